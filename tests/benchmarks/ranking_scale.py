"""A million readers: `python -m tests.benchmarks.ranking_scale [--profiles 1000000] [--papers 3000] [--processes 2]`.

Each reader has five keywords of a pool of 20,000 and gets the best 20 papers with their reasons. Prints what the sparse
part costs beside a bare kernel in C and SciPy with the same matrices, what the finer stages cost on top, how cost grows
with readers, the peak of memory, and what others take. Seconds are of the processor; the size of a chunk and the number
of processes must change no bit of the result, and the program ends with an error when they do.
"""

import argparse
import gc
import hashlib
import multiprocessing
import resource
import sys
from collections import Counter as Tally
from math import log10
from random import Random
from time import perf_counter, process_time
from typing import Any

import numpy as np

from digest.model import Interest, Profile
from digest.ranking import PaperRanker
from digest.ranking.baselines import BASELINES
from digest.ranking.batch_best import best_places
from digest.ranking.figures import Judged
from digest.ranking.meaning import one_thread
from digest.ranking.wishes import named_by
from tests.benchmarks.bare_kernel import bare_kernel
from tests.benchmarks.population import invented_papers
from tests.builders import NOW

KEYWORDS, EACH, BEST, BLOCK = 20_000, 5, 20, 8_192
PROTOTYPE = 59_000  # profiles x papers a second, one profile at a time
SHARED: list[Any] = []  # the counter and the pool of keywords: what forked processes have in common


def keyword_pool(subjects):
    """Words and phrases, the first of them the most usual."""
    random = Random(11)
    pool: dict[str, None] = {}
    while len(pool) < KEYWORDS:
        pool[" ".join(random.sample(random.choice(subjects), random.choice([1, 2, 2])))] = None
    return list(pool)


def readers_of(block, pool):
    """The readers of one block: the same ones whoever asks, and in whatever order."""
    random = np.random.default_rng(block)
    usual = 1 / np.arange(1, len(pool) + 1) ** 0.8
    chosen = np.searchsorted(np.cumsum(usual) / usual.sum(), random.random((BLOCK, EACH)))
    weights = random.choice([1.0, 2.0, 3.0], (BLOCK, EACH))
    return [
        Profile(
            "",
            interests=tuple(Interest((pool[min(k, len(pool) - 1)],), w) for k, w in zip(*both, strict=True)),
        )
        for both in zip(chosen.tolist(), weights.tolist(), strict=True)
    ]


def rank_block(counter, readers, spent):
    """The best papers of some readers, with reasons, and where the time went. Returns a hash of places and values."""
    said = hashlib.sha256()
    for start in range(0, len(readers), counter.rows_at_once):
        some = readers[start : start + counter.rows_at_once]
        nothing = [None] * len(some)
        marks = [process_time()]
        asked = counter.read(named_by(some), nothing, now=NOW)
        marks.append(process_time())
        best_places(counter._products(asked.wishes, asked.rows)[0], BEST)
        marks.append(process_time())
        batch = counter.serve(named_by(some), nothing, BEST, now=NOW)
        marks.append(process_time())
        for row in range(len(some)):
            batch.ranking(row)
        marks.append(process_time())
        read, sparse, served, worded = np.diff(marks)
        spent.update(read=read, sparse=sparse, finer=served - sparse - read, reasons=worded)
        said.update(batch.places.tobytes() + batch.values.tobytes())
    return said.hexdigest()


def share(blocks):
    """One process' share of the blocks: their hashes, what it spent, and the peak of its memory."""
    (counter, pool), found = SHARED, {}
    spent: Tally[str] = Tally()
    with one_thread():
        for block, count in blocks:
            found[block] = rank_block(counter, readers_of(block, pool)[:count], spent)
    return found, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def blocks_of(profiles):
    """Numbers of blocks, and how many readers of each."""
    return [(start // BLOCK, min(BLOCK, profiles - start)) for start in range(0, profiles, BLOCK)]


def together(profiles, processes):
    """All readers, by so many processes: their hashes, what was spent, seconds on the wall, the peak of memory in MB."""
    blocks, start = blocks_of(profiles), perf_counter()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        done = pool.map(share, [blocks[number::processes] for number in range(processes)], chunksize=1)
    spent: Tally[str] = sum((one for _, one, _ in done), Tally())
    peak = (sum(memory for *_, memory in done)) / 1024
    return {k: v for one, *_ in done for k, v in one.items()}, spent, perf_counter() - start, peak


def told(label, figure):
    print(f"{label:<64} {figure}", flush=True)


def references(counter, readers, corpus):
    """What the same matrices cost by other means. Returns the seconds of the bare kernel, a reader."""
    papers = len(counter.papers)
    with one_thread():
        asked = counter.read(named_by(readers), [None] * len(readers), now=NOW)
        weights, table = asked.wishes.weights, asked.rows.found.values
        start = process_time()
        (weights[:1024] @ table).toarray()
        plain = (process_time() - start) / 1024
    told("entries of a keyword's row, on average", f"{table.nnz / table.shape[0]:.0f} of {papers} papers")
    told("SciPy: the product of 1,024 readers at once, nothing chosen", f"{plain * 1e6:.1f} us/reader")
    seconds = bare_kernel(weights, table, BEST)
    if seconds is not None:
        told("bare kernel in C: the same product, the best 20", f"{seconds * 1e6:.1f} us/reader")
    judged = Judged("one", "T2", "all", liked=tuple(paper.id for paper in corpus[:10]))
    svm = BASELINES["svm of liked"](corpus[-papers:] + corpus[:10])
    start = process_time()
    svm(judged)
    told(
        "arxiv-sanity's recipe (TF-IDF and a linear SVM)", f"{(process_time() - start) * 1e6:,.0f} us/reader"
    )
    return seconds


def is_always_the_same(counter, readers):
    """Whether readers served in chunks of any size get the same places and values, bit by bit."""
    found = set()
    for size in (1, 64, 256, 1_000):
        some = [readers[start : start + size] for start in range(0, len(readers), size)]
        with one_thread():
            batches = [counter.serve(named_by(few), [None] * len(few), BEST, now=NOW) for few in some]
        places, values = (
            np.concatenate([getattr(b, part) for b in batches]) for part in ("places", "values")
        )
        found.add(places.tobytes() + values.tobytes())
    return len(found) == 1


def grow(profiles, processes):
    """Rank for ever more readers. Returns what was spent on the most, and the seconds by number of readers."""
    growth: dict[int, float] = {}
    spent: Tally[str] = Tally()
    for count in [*(10**power for power in range(3, 8) if 10**power < profiles), profiles]:
        hashes = []
        for way in sorted({1, processes} if count < 10**5 else {processes}):
            found, spent, wall, peak = together(count, way)
            hashes.append(found)
            seconds = f"{sum(spent.values()):.2f} s of processors, {wall:.1f} s on the wall, {peak:,.0f} MB"
            told(f"{count:,} readers in {way} process{'es' * (way > 1)}", seconds)
        if any(found != hashes[0] for found in hashes):
            sys.exit("another number of processes gave another result")
        growth[count] = sum(spent.values())
    return spent, growth


def lay_out(papers):
    """The corpus, and in `SHARED` its newest papers with all keywords looked up."""
    corpus, subjects = invented_papers(10_000)
    start = process_time()
    ranker = PaperRanker().fit(corpus)
    told("fit 10,000 papers", f"{process_time() - start:.2f} s")
    pool, counter = keyword_pool(subjects), ranker.lay_out(corpus[-papers:], now=NOW)
    start = process_time()
    with one_thread():
        counter.table.learn(pool)
    told(f"look up {KEYWORDS:,} different keywords, once", f"{process_time() - start:.2f} s")
    SHARED[:] = counter, pool
    gc.collect()
    gc.freeze()  # as publishing does: what was learnt is not looked through for garbage again and again
    return corpus


def main(profiles=1_000_000, papers=3_000, processes=2):
    corpus = lay_out(papers)
    counter, pool = SHARED
    kernel = references(counter, readers_of(0, pool), corpus)
    spent, growth = grow(profiles, processes)
    stages = ", ".join(f"{stage} {seconds / profiles * 1e6:.1f}" for stage, seconds in spent.items())
    told("microseconds a reader", stages)
    if kernel:
        told("sparse part / bare kernel", f"{spent['sparse'] / profiles / kernel:.1f}")
    pairs = profiles * papers / sum(spent.values())
    told("readers x papers a second of a core, reasons and all", f"{pairs:,.0f}")
    told("the prototype, one profile at a time", f"{PROTOTYPE:,} (1 : {pairs / PROTOTYPE:.0f})")
    least, most = min(growth), max(growth)
    if least < most:
        exponent = log10(growth[most] / growth[least]) / log10(most / least)
        told(f"cost grows from {least:,} to {most:,} readers with power", f"{exponent:.2f}")
    same = is_always_the_same(counter, readers_of(0, pool)[:1_000])
    told("chunks of 1, 64, 256 and 1,000 give the same bits", "yes" if same else "NO")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("profiles", 1_000_000), ("papers", 3_000), ("processes", 2)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    main(**vars(parser.parse_args()))
