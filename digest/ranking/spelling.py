"""Other ways to write a keyword, learnt from the corpus: in full or abbreviated. One word or two: see `text.joined`."""

import re
from collections.abc import Iterable, Sequence

from digest.model import Paper
from digest.ranking.text import LONGEST_TEXT, STOP_WORDS, singular, stem, surfaces

# "large language models (LLMs)": capitals in brackets, and the words in front of them.
_SHORT = re.compile(r"\(([A-Z][A-Za-z0-9-]{0,8}[A-Z0-9]s?)\)")
_LONGEST_EXPANSION = 120
# The share of the papers introducing an abbreviation that must agree on its meaning.
_CLEAR = 2 / 3


def introductions(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The abbreviations a text introduces, each with the words it stands for (both folded, in the singular).

    >>> introductions("We use retrieval-augmented generation (RAG).")
    [('rag', ('retrieval', 'augmented', 'generation'))]
    """
    found = []
    for short in _SHORT.finditer(text, 0, LONGEST_TEXT):
        letters = _singular_abbreviation(short[1])
        words = surfaces(text[max(short.start() - _LONGEST_EXPANSION, 0) : short.start()])[-len(letters) :]
        if len(letters) > 1 and [word[0] for word in words] == list(letters):
            found.append((letters, tuple(singular(word) for word in words)))
    return found


def _singular_abbreviation(short: str) -> str:
    """ "LLMs" -> "llm", folded and without hyphens."""
    return short.removesuffix("s").casefold().replace("-", "")


class Abbreviations:
    """What abbreviations stand for.

    One paper alone is not believed, nor an abbreviation that is read in many ways: "TTS", which is text-to-speech to
    some and test-time scaling to others, stands for itself alone. Where most agree, a paper that says it means
    something else is taken at its word.
    """

    def __init__(self, papers: Iterable[Paper]) -> None:
        seen: dict[
            str, dict[tuple[str, ...], set[str]]
        ] = {}  # abbreviation -> what it stands for -> in which papers
        for paper in papers:
            for short, words in introductions(f"{paper.title}. {paper.abstract or ''}"):
                seen.setdefault(short, {}).setdefault(_telling(words), set()).add(paper.id)
        self.long: dict[str, tuple[str, ...]] = {}
        self.short: dict[tuple[str, ...], str] = {}
        self._otherwise: dict[str, frozenset[str]] = {}
        for short, readings in sorted(seen.items()):
            uses = sum(map(len, readings.values()))
            words, users = min(readings.items(), key=lambda reading: (-len(reading[1]), reading[0]))
            if len(users) > 1 and len(users) >= _CLEAR * uses:
                self.long[short] = words
                self.short.setdefault(_key(words), short)
                self._otherwise[short] = frozenset().union(*readings.values()) - users

    def meant_otherwise(self, words: Sequence[str]) -> frozenset[str]:
        """The ids of papers to which an abbreviation means something else than to most."""
        return self._otherwise.get(words[0], frozenset()) if len(words) == 1 else frozenset()

    def others(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """The words in full for an abbreviation, the abbreviation for words in full."""
        found = []
        if len(words) == 1 and singular(words[0]) in self.long:
            found.append(self.long[singular(words[0])])
        if _key(words) in self.short:
            found.append((self.short[_key(words)],))
        return found


def _telling(words: Sequence[str]) -> tuple[str, ...]:
    """The words of "text to speech" that a keyword keeps."""
    return tuple(word for word in words if word not in STOP_WORDS) or tuple(words)


def _key(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(stem(word) for word in words)
