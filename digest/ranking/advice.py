"""Help with keywords: which of them find anything, what to write instead, and what to begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from digest.model import Paper
from digest.ranking.keywords import KeywordMatcher, parse_keyword
from digest.ranking.scorer import PaperRanker
from digest.ranking.text import STOP_WORDS, singular, stem

MOST_SUGGESTIONS = 5
# A keyword said by more than this share of papers tells nothing apart.
TOO_COMMON = 0.25


@dataclass(frozen=True, slots=True)
class KeywordAdvice:
    """What a keyword finds, and what may be written instead."""

    typed: str
    hits: int  # papers that say all of it
    paper_ids: tuple[str, ...]  # the best of them, at most five
    suggestions: tuple[str, ...] = ()  # for a keyword that finds nothing
    is_too_common: bool = False


def advise(typed: Sequence[str], papers: Sequence[Paper], ranker: PaperRanker) -> list[KeywordAdvice]:
    """One advice a keyword, in their order: its hits among `papers`, and suggestions from the corpus for dead ones."""
    keywords = [parse_keyword(text) for text in typed]
    shelf = ranker.library_.shelve(papers)
    matcher = KeywordMatcher(shelf, ranker.abbreviations_, pair_weight=ranker.pair_weight)
    matches = matcher.match(keywords)
    advice = []
    for row, text in enumerate(typed):
        values = np.asarray((matches.values[[row]] * matches.complete[[row]]).toarray()).ravel()
        best = np.lexsort((np.arange(len(values)), -values))
        best = best[values[best] > 0]
        advice.append(
            KeywordAdvice(
                typed=text,
                hits=len(best),
                paper_ids=tuple(papers[place].id for place in best[:5]),
                suggestions=() if len(best) else tuple(suggest(text, ranker)),
                is_too_common=len(papers) >= 20 and len(best) > TOO_COMMON * len(papers),
            )
        )
    return advice


def suggest(typed: str, ranker: PaperRanker) -> list[str]:
    """Words and phrases of the corpus close to a keyword: misspellings mended, then phrases with its words in them."""
    words = parse_keyword(typed).words
    shelf = ranker.library_.shelf
    mended = [word if stem(word) in shelf.columns else _closest(word, shelf.spellings) for word in words]
    known = [word for word in mended if word]
    found = []
    if known and tuple(known) != words:
        found.append(" ".join(known))
    stems = {stem(word) for word in known}
    phrases = [
        (shelf.idf[shelf.columns[pair]], wording)
        for pair, wording in shelf.pairs.items()
        if shelf.shared[shelf.columns[pair]] and stems & {stem(word) for word in wording.split()}
    ]
    found += [wording for _, wording in sorted(phrases)]
    return list(dict.fromkeys(found))[:MOST_SUGGESTIONS]


def propose(papers: Sequence[Paper], ranker: PaperRanker, *, limit: int = 10) -> list[str]:
    """Keywords for a reader who has pasted papers of interest: the phrases and words these papers have in common.

    A phrase is proposed once, and its words not again beside it.
    """
    shelf = ranker.library_.shelve(papers)
    weights = shelf.weights.sum(axis=0)[: len(ranker.library_.shelf.columns)] * ranker.library_.shelf.shared
    spread = np.bincount(shelf.weights.indices, minlength=len(shelf.columns))[: len(weights)]
    # What two of the papers say is worth more than what one says twice.
    worth = weights * np.log1p(spread)
    names = list(shelf.columns)
    proposed: list[str] = []
    used: set[str] = set()
    for column in np.lexsort((np.arange(len(worth)), -worth))[: 20 * limit]:
        wording = shelf.words.get(names[column]) or shelf.pairs[names[column]]
        words = [word for word in wording.split() if word not in STOP_WORDS and not word.isdigit()]
        stems = {stem(word) for word in words}
        if worth[column] > 0 and stems and not stems & used and len(words[-1]) > 2:
            proposed.append(" ".join([*words[:-1], singular(words[-1])]))
            used |= stems
    return proposed[:limit]


def _closest(word: str, spellings: Sequence[str]) -> str | None:
    near = [
        spelling for spelling in spellings if spelling[:1] == word[:1] and abs(len(spelling) - len(word)) < 3
    ]
    matches = get_close_matches(word, near, n=1, cutoff=0.8)
    return matches[0] if matches else None
