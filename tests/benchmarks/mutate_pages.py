"""Damage real pages in every way a disk, a network or a prankster can, and read them all.

    python -m tests.benchmarks.mutate_pages [NUMBER] [SEED]

Each mutant is read in this process; what counts is that none raises, that none takes longer than LIMIT_SECONDS of processor
time, and how much memory the whole run came to hold. Exit code 1 where one of the bounds is broken.
"""

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from digest.model import Page
from digest.pages import recognise

LIMIT_SECONDS = 1.0
LIMIT_MEGABYTES = 200
FETCHED_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "tests/data/pages", ROOT.parent / "shared/pages")
ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis", "utf-7")
TOKENS = [
    *(b"[", b"]", b"{", b"}", b'"', b"'", b"<", b">", b"(", b")", b"&", b"\\", b"$", b"~", b"@", b"=", b",", b";", b"-", b"``"),
    *(b" ", b"\n", b"\n\n", b"\t", b"\0", b"\xff", b"\xc3", b"\xc2\xa0", b"\xcc\x81", b"  ", b"A b. ", b" and ", b"a@b.c"),
    *("·\n".encode(), "  • 5 authors\n·\n".encode(), b"Apr 2 1\n", b"### [", b"[x][1]\n", b"https://", b"10.1101/", b"\\emph{"),
    *(b"<!--", b"-->", b"<![CDATA[", b"</script", b"&#99999999999;", b"&nbsp;", b"<p>", b"</p>", b"<item>", b"<title>", b"<dt>"),
    *(b"](https://huggingface.co/papers/2501.00001)", b"<a href='https://arxiv.org/abs/2501.00001'>", b"data-props=\"", b"</a>"),
    *(b"@article{x, title={", b"TY  - ", b"TI  - x\n", b"arXiv:2501.00001\n", b"\\\\\n", b"Title: x\n", b"null,", b"ABSTRACT "),
]  # fmt: skip


def pages(folders: tuple[Path, ...] = FOLDERS) -> list[tuple[str, bytes]]:
    """Every page at hand, real and invented."""
    files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return [(path.name, path.read_bytes()) for path in files if not path.name.endswith(".expected.json")]


def cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def without_the_beginning(body: bytes, chance: random.Random) -> bytes:
    return body[chance.randrange(len(body) + 1) :]


def without_a_piece(body: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return body[:start] + body[end:]


def doubled(body: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return body[:end] + body[start:end] * chance.choice([1, 2, 5]) + body[end:]


def with_flipped_bytes(body: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(body)
    for _ in range(chance.choice([1, 10, 200]) if damaged else 0):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def with_tokens(body: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice([1, 5, 30])):
        at = chance.randrange(len(body) + 1)
        body = body[:at] + chance.choice(TOKENS) * chance.choice([1, 1, 3, 500]) + body[at:]
    return body


def flooded(body: bytes, chance: random.Random) -> bytes:
    """A quarter of a megabyte of one thing: whatever takes more than linear time shows here."""
    piece = b"".join(chance.choices(TOKENS, k=chance.choice([1, 1, 2, 3])))
    at = chance.randrange(len(body) + 1)
    return body[:at] + piece * (250_000 // len(piece)) + body[at:]


def in_mixed_encodings(body: bytes, chance: random.Random) -> bytes:
    text, at = body.decode("utf-8", "replace"), chance.randrange(len(body) + 1)
    first, second = chance.choice(ENCODINGS), chance.choice(ENCODINGS)
    return text[:at].encode(first, "replace") + text[at:].encode(second, "replace")


def nested(body: bytes, chance: random.Random) -> bytes:
    at, opening = (
        chance.randrange(len(body) + 1),
        chance.choice([b"<div>", b"<article>", b"[", b'{"paper":', b"{", b"<item>", b"<a href='"]),
    )
    return body[:at] + opening * 50_000 + body[at:]


def shuffled(body: bytes, chance: random.Random) -> bytes:
    lines = body.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def spliced(body: bytes, chance: random.Random) -> bytes:
    _, other = chance.choice(pages())
    return cut(body, chance) + without_the_beginning(other, chance)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    cut, without_the_beginning, without_a_piece, doubled, with_flipped_bytes, with_tokens, flooded, in_mixed_encodings, nested, shuffled, spliced,
)  # fmt: skip


def mutants(number: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """As many damaged pages as asked for, the same ones for the same seed; a third of them damaged twice."""
    chance, originals = random.Random(seed), pages()
    for _ in range(number):
        name, body = chance.choice(originals)
        chosen = chance.choices(MUTATIONS, k=chance.choice([1, 1, 2]))
        for mutation in chosen:
            body = mutation(body, chance)
        yield f"{name}: {', '.join(mutation.__name__ for mutation in chosen)}", body


def read(name: str, body: bytes) -> tuple[str, float]:
    """How a page ended, without the last defence that `digest.pages.parse` has, and the processor time it took."""
    started = time.process_time()
    try:
        ended = str(recognise.read(Page(name, body, fetched_at=FETCHED_AT)).status)
    except Exception as error:
        ended = f"raised {type(error).__name__}: {error}"
    return ended, time.process_time() - started


def main(number: int = 10_000, seed: int = 1) -> int:
    """Read the mutants and print what became of them."""
    ends: Counter[str] = Counter()
    slowest: list[tuple[float, str]] = []
    for name, body in mutants(number, seed):
        ended, seconds = read(name, body)
        ends[ended.partition(":")[0]] += 1
        slowest = sorted([*slowest, (seconds, name)], reverse=True)[:5]
        if ended.startswith("raised") or seconds > LIMIT_SECONDS:
            print(f"{seconds:6.2f} s  {ended}  {name}")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{number} mutants of seed {seed}: {dict(ends)}; slowest {slowest[0][0]:.2f} s ({slowest[0][1]}); {megabytes} MB at most"
    )
    raised = any(end.startswith("raised") for end in ends)
    return int(raised or slowest[0][0] > LIMIT_SECONDS or megabytes > LIMIT_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
