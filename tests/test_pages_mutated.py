"""Damaged pages: none raises, none takes long, and what is read of a cut one is what stood on the whole one."""

import random

import pytest

from digest.model import Paper
from digest.pages import parse
from tests.benchmarks.mutate_pages import FOLDERS, LIMIT_SECONDS, mutants, pages, read
from tests.builders import a_page

WHOLE = [(name, body) for name, body in pages(FOLDERS[:1]) if "_cut" not in name]


def test_no_damaged_page_raises_or_takes_long():
    for name, body in mutants(400, seed=20):
        ended, seconds = read(name, body)

        assert not ended.startswith("raised"), f"{name}: {ended}"
        assert seconds < 3 * LIMIT_SECONDS, name  # the benchmark holds the limit itself, on a machine at rest


@pytest.mark.parametrize(("name", "body"), WHOLE, ids=[name for name, _ in WHOLE])
def test_a_cut_page_tells_nothing_that_the_whole_one_does_not(name, body):
    whole = {paper.id: paper for paper in parse(a_page(body, name=name)).papers}
    chance = random.Random(3)

    for _ in range(25):
        at = chance.randrange(len(body))
        for paper in parse(a_page(body[:at].rstrip(b"\n"), name=name)).papers:
            assert paper.id in whole, f"cut at byte {at}: {paper}"
            assert _is_part_of(paper, whole[paper.id]), f"cut at byte {at}: {paper}"


def test_a_cut_real_page_tells_nothing_that_the_whole_one_does_not(shared):
    chance = random.Random(4)
    for path in sorted((shared / "pages/seeds").glob("*.txt")):
        body = path.read_bytes()
        whole = {paper.id: paper for paper in parse(a_page(body)).papers}
        for _ in range(15):
            at = chance.randrange(len(body))
            parsed = parse(a_page(body[:at].rstrip(b"\n")))
            assert all(_is_part_of(paper, whole[paper.id]) for paper in parsed.papers), (
                f"{path.name} cut at byte {at}"
            )


def _is_part_of(paper: Paper, whole: Paper) -> bool:
    """Whether a paper says the same as the whole page, or less.

    Dates, numbers and names may be cut without a trace, and so may an abstract at the end of a sentence or in an address.
    """
    return (
        paper.title == whole.title
        and (
            paper.abstract in (whole.abstract, None)
            or _ends_without_a_trace(paper.abstract or "", whole.abstract or "")
        )
        and set(paper.authors) <= set(whole.authors)
        and (whole.organization or "").startswith(paper.organization or "")
    )


def _ends_without_a_trace(abstract: str, whole: str) -> bool:
    return whole.startswith(abstract) and (abstract[-1] in ".!?)\"'”]}*$`" or "://" in abstract.split()[-1])
