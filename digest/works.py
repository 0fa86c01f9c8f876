"""When two descriptions are one work, and what is then known of it."""

from dataclasses import replace

from digest.model import Paper


def has_own_id(paper: Paper) -> bool:
    """Whether a publisher gave it an id; otherwise its title is all we have."""
    return not paper.id.startswith("title:")


def best_of(known: Paper, said: Paper) -> Paper:
    """One paper from two descriptions of it: the better of each field, the one with an id leading.

    A longer abstract or author list is the less cut one; upvotes and comments only grow, so the larger is the newer.
    """
    first, second = (said, known) if has_own_id(said) and not has_own_id(known) else (known, said)
    return replace(
        first,
        abstract=max(first.abstract, second.abstract, key=len)
        if first.abstract and second.abstract
        else first.abstract or second.abstract,
        url=first.url or second.url,
        authors=first.authors if len(first.authors) >= len(second.authors) else second.authors,
        authors_count=_largest(first.authors_count, second.authors_count),
        organization=first.organization or second.organization,
        organization_handle=first.organization_handle or second.organization_handle,
        published_on=first.published_on or second.published_on,
        fields=first.fields or second.fields,
        upvotes=_largest(first.upvotes, second.upvotes),
        comments=_largest(first.comments, second.comments),
    )


def _largest(one: int | None, other: int | None) -> int | None:
    return max((n for n in (one, other) if n is not None), default=None)
