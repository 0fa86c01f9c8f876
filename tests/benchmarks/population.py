"""Papers and readers that do not exist, shaped like those that do. The same seed makes the same ones."""

from itertools import accumulate
from random import Random

import numpy as np

from digest.model import Interest, Paper, Profile

VOWELS, CONSONANTS = "aeiou", "bdfgklmnprstvz"
SUBJECTS, TERMS = 200, 30  # terms of a subject
_PHRASES = 0.33  # of the keywords; a fifth of the uses and a third of the keywords of CiteULike's readers are phrases
# How much more often the first subject, and the first keyword of a subject, is wanted than the next ones (Zipf). With
# this, 290 readers who name 1,280 keywords name 440 different ones, and 10,000 readers 3,100. CiteULike's name 440 in
# 1,295, and going on growing as they do (with the power .585) 10,000 would name 3,400.
_TASTE = 1.4


def invented_words(count: int, random: Random) -> list[str]:
    """Words of a language that does not exist, the short ones first."""
    made: set[str] = set()
    while len(made) < count:
        syllables = (random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(random.randint(2, 4)))
        made.add("".join(syllables))
    return sorted(made, key=lambda word: (len(word), word))


def invented_papers(count: int, *, seed: int = 1, words: int = 30_000) -> tuple[list[Paper], list[list[str]]]:
    """Papers of 150 words, some common and most rare (Zipf), each about one subject; and the terms of the subjects."""
    random = Random(seed)
    vocabulary = invented_words(words, random)
    common = np.cumsum(1 / np.arange(1, words + 1))
    subjects = [random.sample(vocabulary, TERMS) for _ in range(SUBJECTS)]
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


def loners(count: int, subjects: list[list[str]], *, seed: int = 2) -> list[Profile]:
    """Readers with three to six keywords, any of one or two subjects, a third of them phrases: 10,000 have 20,000
    different ones, six times what people have. The hard case."""
    random = Random(seed)
    profiles = []
    for number in range(count):
        subject = random.choice(subjects) + random.choice(subjects)
        keywords = [
            " ".join(random.sample(subject, 2 if random.random() < _PHRASES else 1))
            for _ in range(random.randint(3, 6))
        ]
        profiles.append(_reader(number, keywords, random))
    return profiles


def colleagues(count: int, subjects: list[list[str]], *, seed: int = 2) -> list[Profile]:
    """Readers with three to six keywords of one or two subjects, some of which many want and most a few (Zipf)."""
    repertoire = Random(0)  # what a subject's keywords are does not depend on who wants them
    keywords = [_keywords_of(subject, repertoire) for subject in subjects]
    of_subject, of_keyword = _wanted(len(subjects)), _wanted(len(keywords[0]))
    random = Random(seed)
    profiles = []
    for number in range(count):
        about = random.choices(keywords, cum_weights=of_subject, k=2)
        many, wanted = random.randint(3, 6), dict[str, None]()
        while len(wanted) < many:
            [keyword] = random.choices(random.choice(about), cum_weights=of_keyword)
            wanted[keyword] = None
        profiles.append(_reader(number, list(wanted), random))
    return profiles


def _keywords_of(terms: list[str], random: Random) -> list[str]:
    """Terms of a subject and phrases of them, in the order in which people want them."""
    keywords = list(terms)
    while len(keywords) < len(terms) / (1 - _PHRASES):
        keywords.append(" ".join(random.sample(terms, 2)))
    random.shuffle(keywords)
    return keywords


def _wanted(count: int) -> list[float]:
    return list(accumulate(1 / place**_TASTE for place in range(1, count + 1)))


def _reader(number: int, keywords: list[str], random: Random) -> Profile:
    wishes = tuple(Interest((keyword,), random.choice([1.0, 2.0, 3.0])) for keyword in keywords)
    return Profile(email=f"reader{number}@example.org", interests=wishes)
