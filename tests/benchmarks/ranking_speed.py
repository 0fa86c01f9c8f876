"""How fast papers are ranked: `python -m tests.benchmarks.ranking_speed [papers] [profiles] [candidates]`.

Prints the cost of each stage in seconds of the processor, and profiles x papers per second beside a plain SciPy product of the same matrices in the
same run, so that figures from two machines can be compared by their ratio.
"""

import gc
import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from random import Random
from time import process_time
from typing import TypeVar

from scipy import sparse

from digest.material import Papers, Reader, materials
from digest.ranking import PaperRanker, Taste
from digest.ranking.advice import KeywordHelp
from digest.ranking.keywords import parse_keyword
from digest.ranking.meaning import one_thread
from digest.ranking.text import stem
from tests.benchmarks.population import invented_papers, loners
from tests.builders import NOW

T = TypeVar("T")


def timed(label: str, act: Callable[[], T]) -> T:
    start = process_time()
    result = act()
    print(f"{label:<44} {process_time() - start:8.3f} s")
    return result


def product_alone(ranker, profiles, candidates):
    """The same matrices and nothing else: profiles x terms times terms x papers, by SciPy, all at once."""
    shelf = ranker.library_.shelve(candidates)
    wishes = sparse.lil_array((len(profiles), len(shelf.columns)))
    for row, profile in enumerate(profiles):
        for wish in profile.interests:
            for word in parse_keyword(wish.keywords[0]).words:
                if (column := shelf.columns.get(stem(word))) is not None:
                    wishes[row, column] = wish.weight * shelf.idf[column]
    left, right = sparse.csr_array(wishes), sparse.csr_array(shelf.weights.T)
    start = process_time()
    (left @ right).toarray()
    return process_time() - start


def stages(ranker, profiles, candidates):
    """What the parts of ranking cost on their own. Returns what it takes to find the best of all readers."""
    typed = sorted({word for profile in profiles for wish in profile.interests for word in wish.keywords})
    keywords = [parse_keyword(word) for word in typed]
    print(f"\n{len(keywords)} different keywords")
    timed("  match keywords with the corpus", lambda: ranker.librarian_.match(keywords))
    timed("  look keywords up again", lambda: ranker.librarian_.guide(keywords))
    counter = timed("  lay the candidates out", lambda: ranker.lay_out(candidates, now=NOW))
    timed("  what they find", lambda: counter.table.learn(typed))
    start = process_time()
    batches = timed("  the best of all readers", lambda: list(serve(ranker, counter, profiles)))
    spent = process_time() - start
    every = [(batch, reader) for batch in batches for reader in range(len(batch.places))]
    timed("  reasons of ten papers each", lambda: [b.explain(reader, range(10)) for b, reader in every])
    return spent


def serve(ranker, counter, profiles):
    return ranker.serve(counter, profiles, now=NOW, limit=50)


def while_typing(ranker, corpus, subjects):
    """What the web asks for at every key: the slowest of a hundred answers counts."""
    help_ = timed("help with keywords made ready", lambda: KeywordHelp(ranker, corpus[-3_000:]))
    papers = Papers({paper.id: paper for paper in corpus[-600:]}, {})
    advice, digests = [], []
    for profile in loners(100, subjects, seed=9):
        typed = [word for wish in profile.interests for word in wish.keywords]
        start = process_time()
        help_.advise([*typed, f"{typed[0]}x"])
        advice.append(process_time() - start)
        start = process_time()
        [material] = materials(ranker, papers, [Reader(profile)], now=NOW)
        material.explain([one.paper_id for one in islice(material.ranked, 10)])
        digests.append(process_time() - start)
    for label, spent in (
        ("  advice on some keywords", advice),
        ("  what one new profile would get", digests[1:]),
    ):
        print(
            f"{label:<44} {max(spent) * 1e3:8.1f} ms at most, {sorted(spent)[len(spent) // 2] * 1e3:.1f} usually"
        )


def for_everybody(ranker, corpus, readers):
    """What publishing asks for: candidates and past days, variety, floors, reasons of ten papers."""
    past = {
        paper.id: ((NOW - timedelta(days=8 + n % 21)).date(), paper) for n, paper in enumerate(corpus[:1_300])
    }
    papers = Papers({paper.id: paper for paper in corpus[-600:]}, past)
    people = [Reader(profile) for profile in readers]
    for label in ("  papers of all digests", "  the same again, keywords known"):
        start = process_time()
        for first in range(0, len(people), 100):
            for material in materials(ranker, papers, people[first : first + 100], now=NOW):
                material.explain([one.paper_id for one in islice(material.ranked, 10)])
        print(f"{label:<44} {(process_time() - start) / len(people) * 1e6:8.0f} us/reader")


def main(papers=10_000, profiles=1_000, candidates=600):
    corpus, subjects = invented_papers(papers)
    readers, today = loners(profiles, subjects), corpus[-candidates:]
    ranker = PaperRanker()
    timed(f"fit {papers:,} papers", lambda: ranker.fit(corpus))
    start = process_time()
    ranker.rank_many(readers, today, now=NOW, limit=50)
    ours = process_time() - start
    pairs = profiles * candidates
    print(
        f"{f'rank {candidates:,} papers for {profiles:,} profiles':<44} {ours:8.3f} s  {pairs / ours:,.0f} pairs/s"
    )
    timed("  the same again, keywords known", lambda: ranker.rank_many(readers, today, now=NOW, limit=50))
    random = Random(3)
    tastes = [Taste.of(random.sample(corpus[:-candidates], 10)) for _ in readers]
    timed("  with ten votes each", lambda: ranker.rank_many(readers, today, now=NOW, tastes=tastes))
    with one_thread():
        plain = product_alone(ranker, readers, today)
        print(f"{'plain product of the same matrices':<44} {plain:8.3f} s  {pairs / plain:,.0f} pairs/s")
        ours = stages(ranker, readers, today)
        print(f"the best of all readers / plain product, which chooses nothing: {ours / plain:.0f}")
    gc.collect()
    gc.freeze()
    while_typing(ranker, corpus, subjects)
    for_everybody(ranker, corpus, readers)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
