"""A digest without a home, a database, a network or a mail server: what this profile gets from these pages."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.cadence import due_issue, next_issue
from digest.compose import Material, compose, kept_out
from digest.errors import DigestError, SourceError
from digest.letters import Letters
from digest.material import Papers, Reader, materials
from digest.model import Digest, Page, Paper, Profile, Skip
from digest.pages import parse
from digest.pages.folder import Unreadable
from digest.pages.identity import title_id
from digest.pages.outcome import in_words
from digest.ranking import PaperRanker
from digest.ranking.advice import KeywordAdvice, KeywordHelp
from digest.replay import Known, start_of
from digest.works import best_of


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent, and why nothing would be when that is so."""

    digest: Digest
    skip: Skip | None  # set when no mail would leave; the digest is then the note of a quiet day
    troubles: tuple[str, ...]  # pages and entries that could not be used
    quiet: "Quiet | None" = None  # set when no paper fits


@dataclass(frozen=True, slots=True)
class Quiet:
    """Why no paper fits, for somebody who wants one that does."""

    advice: tuple[KeywordAdvice, ...]  # what each keyword finds in these papers
    nearest: str = (
        ""  # the title of the paper that fits best, and what keeps it out; "" when none fits at all
    )
    kept_out: str = ""


def make_preview(profile: Profile, pages: Iterable[Page | Unreadable], *, now: datetime) -> Preview:
    """Rank the papers of `pages` for `profile`, as of the profile's slot at or after `now`.

    Raises `SourceError` when no page gives a paper.
    """
    known, troubles = papers_of(pages)
    if not known:
        raise SourceError(
            "; ".join(troubles) or "there is no page in it; save one there first", state="broken"
        )
    papers = [one.paper for one in known]
    issue = due_issue(profile.cadence, profile.timezone, now) or next_issue(
        profile.cadence, profile.timezone, now
    )
    ranker = PaperRanker().fit(papers)
    chosen_from = Papers({paper.id: paper for paper in papers}, {})
    [material] = materials(ranker, chosen_from, [Reader(profile)], now=now)
    digest = compose(issue, profile, material)
    if isinstance(digest, Digest) and digest.picks:
        return Preview(digest, None, tuple(troubles))
    skip = digest if isinstance(digest, Skip) else None
    note = compose(issue, replace(profile, quiet_day="note"), material)
    assert isinstance(note, Digest)
    return Preview(note, skip, tuple(troubles), _quiet(profile, material, ranker, papers))


def _quiet(profile: Profile, material: Material, ranker: PaperRanker, papers: list[Paper]) -> Quiet:
    advice = KeywordHelp(ranker, papers).advise(
        [word for interest in profile.interests if interest.weight > 0 for word in interest.keywords]
    )
    nearest = max(material.ranked, key=lambda one: one.interest, default=None)
    if nearest is None or (advice and nearest.interest <= 0):
        return Quiet(tuple(advice))
    why = kept_out(profile, material, (), nearest)
    return Quiet(tuple(advice), material.papers[nearest.paper_id].title, why)


def papers_of(pages: Iterable[Page | Unreadable]) -> tuple[list[Known], list[str]]:
    """Every paper of the pages once, in order of first appearance, and what could not be used.

    A paper is known since the day its first page is about, where that says so, else since its own date.
    """
    found: dict[str, Known] = {}
    troubles: list[str] = []
    for page in pages:
        if isinstance(page, Unreadable):
            troubles.append(f"{page.name}: {page.reason}")
            continue
        parsed = parse(page)
        if parsed.reason:
            troubles.append(f"{page.name}: {parsed.status}: {parsed.reason}")
        troubles += [f"{page.name}: {line}" for line in in_words(parsed.rejected, told=parsed.reason)]
        for paper in parsed.papers:
            on = parsed.listed_on or paper.published_on
            _put(found, Known(paper, start_of(on) if on else page.fetched_at))
    return list(found.values()), troubles


def _put(found: dict[str, Known], new: Known) -> None:
    """Take in a paper that may be there already, under this name or by its title."""
    by_title = title_id(new.paper.title)
    key = next((key for key in (new.paper.id, by_title) if key in found), new.paper.id)
    if known := found.get(key):
        new = Known(best_of(known.paper, new.paper), min(known.since, new.since))
        if new.paper.id != key:
            found.pop(key)
    found[new.paper.id] = new


def write_preview(preview: Preview, out: Path, *, theme: str, profile_file: str, now: datetime) -> list[Path]:
    """Write `digest.html`, `digest.txt`, `digest.eml` and `scores.json` into `out`.

    Raises `DigestError`, and `SettingsError` for a theme there is not.
    """
    letters = Letters.for_preview(theme)
    rendered, message = letters.preview(preview.digest, profile_file=profile_file, now=now)
    contents = {
        "digest.html": rendered.html.encode(),
        "digest.txt": rendered.text.encode(),
        "digest.eml": message.raw,
        "scores.json": (json.dumps(scores_of(preview.digest), ensure_ascii=False, indent=2) + "\n").encode(),
    }
    return write_into(out, contents)


def write_into(out: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files by name into a folder, which is made when it is missing. Raises `DigestError`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (out / name).write_bytes(content)
    except OSError as error:
        raise DigestError(f"cannot write into {out}: {error.strerror}; choose another --out") from error
    return [out / name for name in contents]


def scores_of(digest: Digest) -> dict[str, Any]:
    """The papers of a digest, best first, with the parts that add up to each score."""
    by_score = sorted(digest.picks, key=lambda pick: (-pick.score.value, pick.paper.id))
    return {
        "subscriber": digest.subscriber,
        "issue": digest.issue.key,
        "candidates": digest.candidates,
        "papers": [
            {
                "rank": rank,
                "id": pick.paper.id,
                "title": pick.paper.title,
                "score": pick.score.value,
                "url": pick.paper.url,
                "section": pick.section,
                "reasons": [
                    {"kind": reason.kind, "term": reason.term, "contribution": reason.contribution}
                    for reason in pick.score.why
                ],
            }
            for rank, pick in enumerate(by_score, 1)
        ],
    }
