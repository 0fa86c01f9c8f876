"""Help with keywords: which of them find anything, what to write instead, and what to begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from digest.model import Paper
from digest.ranking.keywords import KeywordMatcher, parse_keyword
from digest.ranking.scorer import PaperRanker
from digest.ranking.text import singular, stem

MOST_SUGGESTIONS = 5
# A keyword said by more than this share of papers tells nothing apart.
TOO_COMMON = 0.25
# A word of more than this share of papers is not proposed.
FAMILIAR = 0.3
_COHESION = 0.5
_SAME_BEGINNING = 5


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


def propose(papers: Sequence[Paper], ranker: PaperRanker, *, limit: int = 8) -> list[str]:
    """Keywords for a reader who has pasted papers of interest: words and phrases of these papers that tell them apart.

    What only one of several papers says is not proposed, nor what many papers say anyway, nor a word twice.
    """
    shelf = ranker.library_.shelf
    weights = ranker.library_.weigh(papers)
    spread = np.bincount(weights.indices, minlength=len(shelf.columns))
    worth = np.asarray(weights.sum(axis=0)) * shelf.shared**2 * np.log1p(spread)
    worth[(spread < min(2, len(papers))) | (shelf.shared < np.log(1 / FAMILIAR))] = 0.0
    names = list(shelf.columns)
    proposed: list[str] = []
    used: set[str] = set()
    for column in np.lexsort((np.arange(len(worth)), -worth))[: 50 * limit]:
        wording = shelf.words.get(names[column]) or shelf.pairs[names[column]]
        words = wording.split()
        beginnings = {word[:_SAME_BEGINNING] for word in words}
        if worth[column] > 0 and not beginnings & used and _belong_together(words, int(column), ranker):
            proposed.append(" ".join([*words[:-1], singular(words[-1])]))
            used |= beginnings
    return proposed[:limit]


def _belong_together(words: Sequence[str], column: int, ranker: PaperRanker) -> bool:
    """Whether a phrase is more than two words that happened to meet; a single word has to be one, not a number."""
    if len(words) == 1:
        return len(words[0]) > 2 and not words[0][0].isdigit() and not words[0].endswith("ly")
    shelf = ranker.library_.shelf
    chance = [shelf.idf[shelf.columns[stem(word)]] for word in words if stem(word) in shelf.columns]
    # In the terms of idf: the pair is far less rare than if its words stood together by chance.
    return len(chance) == len(words) and sum(chance) - float(shelf.idf[column]) > _COHESION


def _closest(word: str, spellings: Sequence[str]) -> str | None:
    near = [
        spelling for spelling in spellings if spelling[:1] == word[:1] and abs(len(spelling) - len(word)) < 3
    ]
    matches = get_close_matches(word, near, n=1, cutoff=0.8)
    return matches[0] if matches else None
