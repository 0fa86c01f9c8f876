"""The words and phrases of a corpus, laid out so that a keyword typed wrongly finds the right one at once."""

from collections import defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

import numpy as np

from digest.ranking.shelf import Shelf
from digest.ranking.text import stem

# Two spellings closer than this are taken for one word and its misspelling.
_ALIKE = 0.8
_LOOKED_AT = 10


class WordList:
    """What at least two papers of a corpus say: only that is worth proposing to a reader."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._words = sorted(
            word
            for term, word in shelf.words.items()
            # Words that say nothing have a spelling and no column.
            if len(word) > 2 and term in shelf.columns and shelf.shared[shelf.columns[term]]
        )
        self._by_letters = _by_letters(self._words)
        self._lengths = np.array([len(_letters(word)) for word in self._words], dtype=float)
        self._phrases = _phrases_by_stem(shelf)

    def knows(self, word: str) -> bool:
        """Whether any paper of the corpus says this word in some form."""
        return stem(word) in self._shelf.columns

    def closest(self, word: str) -> str | None:
        """The word this one may be a misspelling of: most of its pairs of letters, then most of its letters."""
        pairs = _letters(word)
        found = [self._by_letters[pair] for pair in pairs if pair in self._by_letters]
        if not found:
            return None
        common = np.bincount(np.concatenate(found), minlength=len(self._words))
        likeness = 2 * common / (self._lengths + len(pairs))
        best = np.argsort(-likeness, kind="stable")[:_LOOKED_AT]
        matcher = SequenceMatcher(b=word, autojunk=False)
        ranked = []
        for place in best:
            matcher.set_seq1(self._words[place])
            if (
                matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE
            ):  # as much as it can be
                ranked.append((matcher.ratio(), self._words[place]))
        ratio, closest = max(ranked, key=lambda item: item[0], default=(0.0, None))
        return closest if ratio >= _ALIKE else None

    def phrases(self, words: Iterable[str], most: int) -> list[str]:
        """Two-word phrases of the corpus with one of these words in it, the most usual first."""
        stems = {stem(word) for word in words}
        return [wording for _, wording in sorted({p for s in stems for p in self._phrases[s][:most]})[:most]]


def _by_letters(words: Iterable[str]) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        for pair in _letters(word):
            places[pair].append(place)
    return {pair: np.array(found) for pair, found in places.items()}


def _letters(word: str) -> set[str]:
    """Adjacent letters, the ends marked."""
    marked = f"^{word}$"
    return {marked[place : place + 2] for place in range(len(marked) - 1)}


def _phrases_by_stem(shelf: Shelf) -> defaultdict[str, list[tuple[float, str]]]:
    """For the stem of each word: the phrases with it, the most usual first."""
    phrases: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for pair, wording in shelf.pairs.items():
        column = shelf.columns[pair]
        if shelf.shared[column]:
            for word in {stem(word) for word in wording.split()}:
                phrases[word].append((float(shelf.idf[column]), wording))
    for found in phrases.values():
        found.sort()
    return phrases
