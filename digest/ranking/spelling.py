"""Other ways to write a keyword, learnt from the corpus: one word or two, in full or abbreviated."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence

from digest.model import Paper
from digest.ranking.text import LONGEST_TEXT, joined, singular, stem, surfaces

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
    """What abbreviations stand for. One paper alone is not believed, nor an abbreviation that is read in many ways."""

    def __init__(self, papers: Iterable[Paper]) -> None:
        seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for paper in papers:
            seen.update(set(introductions(f"{paper.title}. {paper.abstract or ''}")))
        self.long: dict[str, tuple[str, ...]] = {}
        self.short: dict[tuple[str, ...], str] = {}
        uses = Counter[str]()
        for (short, _), times in seen.items():
            uses[short] += times
        for (short, words), times in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
            if times > 1 and times >= _CLEAR * uses[short]:
                self.long[short] = words
                self.short.setdefault(_key(words), short)

    def others(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """The words in full for an abbreviation, the abbreviation for words in full."""
        found = []
        if len(words) == 1 and singular(words[0]) in self.long:
            found.append(self.long[singular(words[0])])
        if _key(words) in self.short:
            found.append((self.short[_key(words)],))
        return found


def _key(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(stem(word) for word in words)


def compounds(words: Sequence[str], known: Container[str]) -> list[tuple[str, ...]]:
    """Two words written as one, where some paper writes them so. The other way round needs nothing: see `text.joined`."""
    if len(words) == 2 and joined(*words) in known:
        return [(words[0] + words[1],)]
    return []
