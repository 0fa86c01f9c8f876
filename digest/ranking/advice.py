"""Help with keywords: which of them find anything, what to write instead, and what to begin with."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from digest.model import Paper
from digest.ranking.keywords import Keyword, KeywordMatcher, Matches, parse_keyword
from digest.ranking.meaning import one_thread
from digest.ranking.scorer import PaperRanker
from digest.ranking.shelf import Shelf, in_order
from digest.ranking.text import STOP_WORDS, singular, stem
from digest.ranking.wordlist import WordList

MOST_SUGGESTIONS = 5
MOST_NEAR = 4
# A keyword said by more than this share of papers tells nothing apart.
TOO_COMMON = 0.25
_FEWEST_PAPERS = 20  # before anything can be called common
# A word of more than this share of papers is not proposed.
FAMILIAR = 0.3
_COHESION = 0.5
_SAME_BEGINNING = 5
_FEWEST_SPEAKERS = 3
_EXAMPLES = 5
_FEWEST_TITLES = 2
_KINDS = frozenset({"report", "study", "survey", "review"})  # of papers, whatever they are about
_SHORTEST = 2  # letters of a word in a phrase to begin with
_MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class KeywordAdvice:
    """What a keyword finds, and what may be written instead or beside it."""

    typed: str
    hits: int  # papers that say all of it
    paper_ids: tuple[str, ...]  # the best of them, at most five
    suggestions: tuple[str, ...] = ()  # for a keyword that finds nothing: "did you mean ...?"
    near: tuple[str, ...] = ()  # what papers about it say as well: "also: draft model, KV cache"
    is_too_common: bool = False  # it says so little that it hardly orders the papers


class KeywordHelp:
    """Answers while somebody types: built once for a fitted scorer and the papers of, say, the last 30 days.

    An answer takes a few milliseconds; the same object may be asked from any number of threads.
    """

    def __init__(self, ranker: PaperRanker, papers: Sequence[Paper]) -> None:
        self._ranker = ranker
        self._papers = list({paper.id: paper for paper in in_order(papers)}.values())
        self._rows = ranker.library_.find(self._papers)
        self._words = WordList(ranker.library_.shelf)
        self._advised: dict[str, KeywordAdvice] = {}

    def advise(self, typed: Sequence[str]) -> list[KeywordAdvice]:
        """One advice a keyword, in their order. What was asked before is remembered."""
        known = self._advised if len(self._advised) < _MOST_REMEMBERED else {}
        # In the order in which the scorer looks keywords up, so that each is looked up once.
        new = sorted(set(typed) - known.keys())
        known.update(zip(new, self._advise(new), strict=True))
        self._advised = known
        return [known[text] for text in typed]

    def _advise(self, typed: Sequence[str]) -> list[KeywordAdvice]:
        keywords = [parse_keyword(text) for text in typed]
        matches = self._match(keywords)
        found = matches.values.multiply(matches.complete).tocsr()
        near = self._neighbours(keywords)
        advice = []
        for row, text in enumerate(typed):
            start, end = found.indptr[row : row + 2]
            best = np.lexsort((found.indices[start:end], -found.data[start:end]))
            hits = int(np.count_nonzero(found.data[start:end]))
            places = found.indices[start:end][best][: min(hits, _EXAMPLES)]
            advice.append(
                KeywordAdvice(
                    typed=text,
                    hits=hits,
                    paper_ids=tuple(self._papers[place].id for place in places),
                    suggestions=() if hits else tuple(self.suggest(text)),
                    near=near[row],
                    is_too_common=len(self._papers) >= _FEWEST_PAPERS
                    and hits > TOO_COMMON * len(self._papers),
                )
            )
        return advice

    def _match(self, keywords: Sequence[Keyword]) -> Matches:
        """Papers of the corpus are matched with the corpus; new ones bring words along that it does not know."""
        if self._rows is not None:
            return self._ranker.librarian_.match(keywords).of_papers(self._rows)
        return self._matcher.match(keywords)

    @cached_property
    def _matcher(self) -> KeywordMatcher:
        ranker = self._ranker
        shelf = ranker.library_.shelve(self._papers)
        return KeywordMatcher(shelf, ranker.abbreviations_, pair_weight=ranker.pair_weight)

    def _neighbours(self, keywords: Sequence[Keyword]) -> list[tuple[str, ...]]:
        librarian = self._ranker.librarian_
        with one_thread():
            librarian.guide(keywords)  # all are looked up together
            near = [islice(librarian.near(keyword), MOST_NEAR) for keyword in keywords]
            return [tuple(word for word, _ in terms) for terms in near]

    def suggest(self, typed: str) -> list[str]:
        """Words and phrases of the corpus close to a keyword: misspellings mended, then phrases with its words in them."""
        words = parse_keyword(typed).words
        mended = [word if self._words.knows(word) else self._words.closest(word) for word in words]
        known = [word for word in mended if word]
        whole = [" ".join(known)] if known and tuple(known) != words else []
        phrases = self._words.phrases(known, MOST_SUGGESTIONS)
        return list(dict.fromkeys([*whole, *phrases]))[:MOST_SUGGESTIONS]

    def usual_phrases(self, limit: int) -> list[str]:
        """What these papers are about, to begin with: phrases that many say, as two words, and no word twice."""
        library = self._ranker.library_
        spread = np.bincount(library.weigh(self._papers).indices, minlength=len(library.shelf.columns))
        found: list[tuple[float, str]] = []
        for pair, wording in library.shelf.pairs.items():
            column = library.shelf.columns[pair]
            is_said = _FEWEST_SPEAKERS <= spread[column] <= TOO_COMMON * len(self._papers)
            if is_said and pair not in library.shelf.words:
                cohesion = _cohesion(wording.split(), column, library.shelf)
                found.append((float(spread[column]) * cohesion, wording))
        phrases: list[str] = []
        used: set[str] = set()
        for worth, wording in sorted(found, key=lambda one: (-one[0], one[1])):
            words = {stem(word) for word in wording.split()}
            if len(phrases) == limit or worth <= 0:
                break
            if not words & used and self._is_phrase(wording):
                phrases.append(self._spelled(wording))
                used |= words
        return phrases

    def _spelled(self, wording: str) -> str:
        """Two words as these papers mostly write them: "KV cache". In titles and at beginnings any word is a large one."""
        said = re.compile(r"(?<=\w )" + r"\s".join(map(re.escape, wording.split())) + r"\b", re.IGNORECASE)
        found = Counter(one for paper in self._papers for one in said.findall(paper.abstract or ""))
        [(most, _)] = found.most_common(1) or [(wording, 0)]
        return " ".join(most.split())

    def _is_phrase(self, wording: str) -> bool:
        """Whether these two words are a topic of their own: they mostly stand side by side, and titles say them, too.

        So they are no part of an address, of an abbreviation, of one word ("sub-optimal") or of a longer phrase ("carlo
        tree"); and what only abstracts say is how papers are written ("extensive experiments").
        """
        first, second = wording.split()
        is_short = min(len(first), len(second)) < _SHORTEST
        if is_short or singular(second) in _KINDS or not f"{first[0]}{second[0]}".isalpha():
            return False
        said = re.compile(
            rf"\b(\w+-|[^\W\d]+\s)?{re.escape(first)}([^\w]*){re.escape(second)}\b(-\w|\s[^\W\d]+)?",
            re.IGNORECASE,
        )
        found = [one for text in self._texts for one in said.findall(text)]
        apart = sum(gap.isspace() and "-" not in before + after for before, gap, after in found)
        beside = Counter(word.strip().casefold() for before, _, after in found for word in {before, after})
        longer = max((count for word, count in beside.items() if word and word not in STOP_WORDS), default=0)
        titles = sum(said.search(paper.title) is not None for paper in self._papers)
        return 2 * apart > len(found) >= 2 * longer and titles >= _FEWEST_TITLES

    @cached_property
    def _texts(self) -> list[str]:
        return [f"{paper.title}\n{paper.abstract or ''}" for paper in self._papers]

    def propose(self, papers: Sequence[Paper], *, limit: int = 8) -> list[str]:
        """Keywords for a reader who has pasted papers of interest: see `propose`."""
        return propose(papers, self._ranker, limit=limit)


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
    return _cohesion(words, column, ranker.library_.shelf) > _COHESION


def _cohesion(words: Sequence[str], column: int, shelf: Shelf) -> float:
    """In the terms of idf, how much less rare a pair is than if its words stood together by chance; else 0."""
    chance = [shelf.idf[shelf.columns[stem(word)]] for word in words if stem(word) in shelf.columns]
    return sum(chance) - float(shelf.idf[column]) if len(chance) == len(words) else 0.0
