"""Papers by people and organisations a reader follows."""

from collections.abc import Sequence
from dataclasses import dataclass

from digest.model import Paper, Profile, ReasonKind
from digest.text import title_key

# A followed name counts as much as a perfect match of the strongest keyword.
FOLLOW_VALUE = 1.0


@dataclass(frozen=True, slots=True)
class Followed:
    """A followed name found on a paper."""

    place: int  # of the paper among the candidates
    kind: ReasonKind
    name: str  # as the reader typed it


class NameIndex:
    """Finds papers by author or organisation, whatever the accents, case and punctuation of the name."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._authors: dict[str, list[int]] = {}
        self._organizations: dict[str, list[int]] = {}
        for place, paper in enumerate(papers):
            for name in {title_key(author) for author in paper.authors}:
                self._authors.setdefault(name, []).append(place)
            for name in {title_key(n) for n in (paper.organization, paper.organization_handle) if n}:
                self._organizations.setdefault(name, []).append(place)

    def followed(self, profile: Profile) -> list[Followed]:
        """Every followed name on every paper, once, in the profile's order."""
        if not profile.follow_authors and not profile.follow_organizations:
            return []
        wanted = (
            (profile.follow_authors, self._authors, ReasonKind.AUTHOR),
            (profile.follow_organizations, self._organizations, ReasonKind.ORGANIZATION),
        )
        return [
            Followed(place, kind, name)
            for names, index, kind in wanted
            for key, name in {title_key(name): name for name in names}.items()
            if key
            for place in index.get(key, ())
        ]
