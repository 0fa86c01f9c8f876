"""Digests that readers with very different interests would have got on real days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from digest.compose import compose
from digest.letters import Letters
from digest.mail.dkim import Signer
from digest.mail.render import Renderer
from digest.material import Papers, Reader, materials
from digest.model import Cadence, Digest, Interest, Issue, Page, Paper, Profile
from digest.pages import parse
from digest.ranking import PaperRanker
from digest.store.people import Subscriber
from digest.tables import SenderSettings
from tests.benchmarks.archive import days_of
from tests.spam.filters import DOMAIN, KEY

ARCHIVE = "archive/daily_papers_2024-05-27_2025-12-31.jsonl.gz"
_WINDOW = 3  # days whose papers may enter a digest
# One reader a line: keywords of one interest are parted by commas, interests by semicolons.
_READERS = """
speculative decoding, draft model; KV cache
diffusion model, image generation; text-to-image
protein design, protein structure; drug discovery
robot manipulation, imitation learning
speech recognition, text-to-speech; audio codec
code generation, software engineering agent
retrieval-augmented generation, dense retrieval
reinforcement learning from human feedback, preference optimization; reward model
mixture of experts; quantization, pruning
video generation, video understanding
medical imaging, clinical; radiology report
3D Gaussian splatting, novel view synthesis
multilingual, low-resource language, translation
mathematical reasoning, theorem proving; chain of thought
jailbreak, safety alignment, red teaming
graph neural network; time series forecasting
tokenizer, pretraining data, data curation
autonomous driving, trajectory prediction
vision-language model, OCR, document understanding; chart*
benchmark, evaluation; agent*
"""


@dataclass(frozen=True, slots=True)
class Morning:
    """One mail of one reader on one day."""

    on: date
    reader: int
    raw: bytes


def readers() -> list[Profile]:
    """Twenty readers, no two alike in interests, length, rhythm or liking for what is popular."""
    lines = _READERS.strip().splitlines()
    return [
        Profile(
            f"reader{number}@example.org",
            name=f"Reader {number}",
            cadence=Cadence("week" if number % 5 == 4 else "day"),
            max_papers=(5, 10, 15, 20)[number % 4],
            quiet_day="note",
            trending=(0.0, 0.3, 0.6)[number % 3],
            interests=tuple(
                Interest(tuple(keyword.strip() for keyword in interest.split(",")), 1.0 + number % 3 / 2)
                for interest in line.split(";")
            ),
        )
        for number, line in enumerate(lines)
    ]


def mornings(shared: Path, *, days: int, people: int, now: datetime) -> Iterator[Morning]:
    """The signed mails of `people` readers on `days` days spread over the archive, dated `now`."""
    by_day = {date.fromisoformat(day): _papers(day, page) for day, page in days_of(shared / ARCHIVE)}
    known = sorted(by_day)
    chosen = [known[_WINDOW + at * (len(known) - _WINDOW) // days] for at in range(days)]
    windows = {day: _window(by_day, known, day) for day in chosen}
    ranker = PaperRanker().fit([paper for window in windows.values() for paper in window])
    letters = Letters(
        Renderer(),
        SenderSettings(
            address=f"papers@{DOMAIN}", reply_to="editor@example.org", unsubscribe_mailto=f"leave@{DOMAIN}"
        ),
        secret=b"mornings",
        web_url=f"https://{DOMAIN}",
        sign=Signer([KEY]),
    )
    wanted = readers()[:people]
    for day, window in windows.items():
        due = datetime.combine(day, time(7, 30), UTC)
        papers = Papers({paper.id: paper for paper in window}, {})
        found = materials(ranker, papers, [Reader(profile) for profile in wanted], now=due)
        for number, (profile, material) in enumerate(zip(wanted, found, strict=True)):
            digest = compose(Issue(f"{day}/{profile.cadence.every}", day, due), profile, material)
            assert isinstance(digest, Digest)
            yield Morning(day, number, letters.write(digest, _subscriber(number, profile, due), now=now).raw)


def _papers(day: str, page: bytes) -> tuple[Paper, ...]:
    at = datetime.combine(date.fromisoformat(day), time(6), UTC)
    return parse(Page(f"{day}.json", page, at)).papers


def _window(by_day: dict[date, tuple[Paper, ...]], known: Sequence[date], day: date) -> list[Paper]:
    end = known.index(day) + 1
    return list({paper.id: paper for on in known[end - _WINDOW : end] for paper in by_day[on]}.values())


def _subscriber(number: int, profile: Profile, now: datetime) -> Subscriber:
    return Subscriber(number + 1, profile.email, "active", None, "web", None, profile, None, now, now, "")
