"""The hard rule: papers a reader never wants to see."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.text import singular, surfaces


class MuteList:
    """Says which papers a reader never wants to see.

    Matched on words as written, plural or singular, never on stems: a hard rule must not catch "organ" with
    "organization". "fine-tuning", "fine tuning" and "finetuning" are the same.
    """

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._papers = papers
        self._known: dict[str, NDArray[np.bool_]] = {}

    @cached_property
    def _words(self) -> list[list[str]]:
        return [_plain(f"{paper.title} | {paper.abstract or ''}") for paper in self._papers]

    @cached_property
    def _texts(self) -> list[str]:
        return [f" {' '.join(words)} " for words in self._words]

    def muted(self, keywords: Iterable[str]) -> NDArray[np.bool_]:
        """One flag a paper: does any of these keywords, phrases or `prefix*` occur in it?"""
        flags = np.zeros(len(self._papers), dtype=bool)
        for typed in keywords:
            if typed not in self._known:
                self._known[typed] = np.array(
                    [self._occurs(typed, place) for place in range(len(flags))], dtype=bool
                )
            flags |= self._known[typed]
        return flags

    def _occurs(self, typed: str, place: int) -> bool:
        wanted = surfaces(typed)
        if not wanted:
            return False
        text = self._texts[place]
        if typed.strip().endswith("*"):
            return f" {' '.join([*(singular(word) for word in wanted[:-1]), wanted[-1]])}" in text
        phrase = " ".join(singular(word) for word in wanted)
        if f" {phrase} " in text:
            return True
        run = phrase.replace(" ", "")
        words = self._words[place]
        return f" {run} " in text or any(a + b == run for a, b in pairwise(words))


def _plain(text: str) -> list[str]:
    return [singular(word) for word in surfaces(text)]
