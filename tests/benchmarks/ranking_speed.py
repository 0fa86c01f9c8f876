"""How fast papers are ranked: `python -m tests.benchmarks.ranking_speed [papers] [profiles] [candidates]`.

Prints the cost of each stage in seconds of the processor, and profiles x papers per second beside a plain SciPy product of the same matrices in the
same run, so that figures from two machines can be compared by their ratio.
"""

import sys
from collections.abc import Callable
from random import Random
from time import process_time
from typing import TypeVar

import numpy as np
from scipy import sparse

from digest.model import Interest, Paper, Profile
from digest.ranking import PaperRanker, Taste
from digest.ranking.keywords import KeywordMatcher, parse_keyword
from digest.ranking.meaning import one_thread
from digest.ranking.related import assess
from digest.ranking.text import stem
from tests.builders import NOW

VOWELS, CONSONANTS = "aeiou", "bdfgklmnprstvz"


def invented_words(count, random):
    """Words of a language that does not exist."""
    made: set[str] = set()
    while len(made) < count:
        syllables = (random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(random.randint(2, 4)))
        made.add("".join(syllables))
    return sorted(made, key=lambda word: (len(word), word))


def invented_papers(count, *, seed=1, words=30_000):
    """Papers of 150 words, some common and most rare (Zipf), each about one of 200 subjects."""
    random = Random(seed)
    vocabulary = invented_words(words, random)
    common = np.cumsum(1 / np.arange(1, words + 1))
    subjects = [random.sample(vocabulary, 30) for _ in range(200)]
    papers = []
    for number in range(count):
        subject = random.choice(subjects)
        places = np.searchsorted(common, [random.random() * common[-1] for _ in range(120)])
        text = [vocabulary[place] for place in places] + random.choices(subject, k=30)
        random.shuffle(text)
        title = " ".join(random.choices(subject, k=6))
        papers.append(
            Paper(f"arxiv:{number:06d}", title, " ".join(text), upvotes=int(random.paretovariate(1)) - 1)
        )
    return papers, subjects


def invented_profiles(count, subjects, *, seed=2):
    """Readers with three to six keywords from one or two subjects, a third of them phrases."""
    random = Random(seed)
    profiles = []
    for number in range(count):
        subject = random.choice(subjects) + random.choice(subjects)
        keywords = [
            " ".join(random.sample(subject, 2 if random.random() < 0.33 else 1))
            for _ in range(random.randint(3, 6))
        ]
        wishes = tuple(Interest((keyword,), random.choice([1.0, 2.0, 3.0])) for keyword in keywords)
        profiles.append(Profile(email=f"reader{number}@example.org", interests=wishes))
    return profiles


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
    """What the parts of ranking cost on their own."""
    typed = sorted({word for profile in profiles for wish in profile.interests for word in wish.keywords})
    keywords = [parse_keyword(word) for word in typed]
    print(f"\n{len(keywords)} different keywords")
    shelf = timed("  shelve the candidates", lambda: ranker.library_.shelve(candidates))
    matcher = KeywordMatcher(shelf, ranker.abbreviations_, pair_weight=ranker.pair_weight)
    matches = timed("  match keywords with candidates", lambda: matcher.match(keywords))
    guide = timed("  look keywords up again", lambda: ranker.librarian_.guide(keywords))
    places = timed("  place candidates by meaning", lambda: ranker.meaning_.coordinates(shelf.weights))
    timed("  count nearness in", lambda: assess(matches, guide, places, ranker.librarian_.reach))


def main(papers=10_000, profiles=1_000, candidates=600):
    corpus, subjects = invented_papers(papers)
    readers, today = invented_profiles(profiles, subjects), corpus[-candidates:]
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
        print(f"ours / plain: {ours / plain:.1f}")
        stages(ranker, readers, today)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
