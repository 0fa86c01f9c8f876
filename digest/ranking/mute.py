"""The hard rule: papers a reader never wants to see."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from digest.model import Paper
from digest.ranking.batch_best import Places
from digest.ranking.text import singular, surfaces

NOWHERE: Places = np.zeros(0, dtype=np.int64)


class MuteList:
    """Says which papers a reader never wants to see.

    Matched on words as written, plural or singular, never on stems: a hard rule must not catch "organ" with
    "organization". "fine-tuning", "fine tuning" and "finetuning" are the same.
    """

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers
        self._known: dict[str, Places] = {}

    def places(self, keywords: Iterable[str]) -> Places:
        """Where papers stand in which any of these keywords, phrases or `prefix*` occurs, ascending."""
        found = []
        for typed in keywords:
            if typed not in self._known:
                self._known[typed] = np.array(sorted(self._search(typed)), dtype=np.int64)
            found.append(self._known[typed])
        return np.unique(np.concatenate(found)) if found else NOWHERE

    @cached_property
    def _texts(self) -> list[str]:
        words = (surfaces(f"{paper.title} | {paper.abstract or ''}") for paper in self._papers)
        return [f" {' '.join(map(singular, found))} " for found in words]

    @cached_property
    def _saying(self) -> dict[str, set[int]]:
        """Every word, and the papers that say it."""
        saying: dict[str, set[int]] = {}
        for place, text in enumerate(self._texts):
            for word in set(text.split()):
                saying.setdefault(word, set()).add(place)
        return saying

    @cached_property
    def _words(self) -> list[str]:
        return sorted(self._saying)

    def _search(self, typed: str) -> set[int]:
        wanted = surfaces(typed)
        if not wanted:
            return set()
        if typed.strip().endswith("*"):
            return self._beginning([*map(singular, wanted[:-1]), wanted[-1]])
        words = [singular(word) for word in wanted]
        run = "".join(words)
        found = self._side_by_side(words) | self._saying.get(run, set())
        for end in range(1, len(run)):
            found |= self._side_by_side([run[:end], run[end:]])
        return found

    def _side_by_side(self, words: Sequence[str]) -> set[int]:
        said = set.intersection(*(self._saying.get(word, set()) for word in words))
        phrase = f" {' '.join(words)} "
        return {place for place in said if phrase in self._texts[place]}

    def _beginning(self, words: Sequence[str]) -> set[int]:
        """Where these words stand side by side, the last one cut."""
        found: set[int] = set()
        phrase = f" {' '.join(words)}"
        for word in self._words[bisect_left(self._words, words[-1]) :]:
            if not word.startswith(words[-1]):
                break
            found |= {place for place in self._saying[word] if phrase in self._texts[place]}
        return found
