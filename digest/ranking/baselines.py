"""What others do, written down shortly, to be compared with: keyword counts, TF-IDF, BM25, an SVM, upvotes."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.svm import LinearSVC

from digest.model import Paper
from digest.ranking.figures import Judged
from digest.ranking.shelf import Vector, inverse_frequency

# A baseline is fitted to a collection and scores all its papers; None where it has nothing to go by.
Scorer = Callable[[Judged], Vector | None]
Baseline = Callable[[Sequence[Paper]], Scorer]


def _texts(papers: Sequence[Paper]) -> list[str]:
    return [f"{paper.title} {paper.abstract or ''}" for paper in papers]


def _rows(papers: Sequence[Paper], wanted: Sequence[str]) -> list[int]:
    place = {paper.id: row for row, paper in enumerate(papers)}
    return [place[paper_id] for paper_id in wanted if paper_id in place]


def _question(judged: Judged) -> str:
    """Keywords as a text; one of weight 3 is said three times."""
    return " ".join(f"{keyword} " * max(round(weight), 1) for keyword, weight in judged.keywords)


def keyword_count(papers: Sequence[Paper]) -> Scorer:
    """How often the keywords occur, as simple digests count."""
    texts = [text.casefold() for text in _texts(papers)]

    def score(judged: Judged) -> Vector | None:
        if not judged.keywords:
            return None
        return np.array(
            [
                sum(weight * text.count(keyword.casefold()) for keyword, weight in judged.keywords)
                for text in texts
            ]
        )

    return score


def tfidf_cosine(papers: Sequence[Paper]) -> Scorer:
    """Cosine of TF-IDF vectors to the keywords and to the mean of the liked papers."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    table = vectorizer.fit_transform(_texts(papers))

    def score(judged: Judged) -> Vector | None:
        liked = _rows(papers, judged.liked)
        if not liked and not judged.keywords:
            return None
        question = vectorizer.transform([_question(judged)])
        if liked:
            question = question + sparse.csr_matrix(table[liked].mean(axis=0))
        return np.asarray((table @ question.T).todense()).ravel()

    return score


def bm25(papers: Sequence[Paper]) -> Scorer:
    """BM25 with k1 1.5 and b 0.75 over plain words; liked papers are added to the question as text."""
    texts = _texts(papers)
    vectorizer = CountVectorizer(stop_words="english", dtype=np.float64)
    counts = sparse.csr_array(vectorizer.fit_transform(texts))
    lengths = counts.sum(axis=1)
    slack = 1.5 * (0.25 + 0.75 * lengths / max(lengths.mean(), 1e-9))
    weights = counts.data * 2.5 / (counts.data + np.repeat(slack, np.diff(counts.indptr)))
    table = sparse.csr_array((weights, counts.indices, counts.indptr), shape=counts.shape)
    table = sparse.csr_array(table @ sparse.diags_array(inverse_frequency(counts, len(papers))))

    def score(judged: Judged) -> Vector | None:
        asked = [_question(judged), *(texts[row] for row in _rows(papers, judged.liked))]
        return np.asarray(table @ vectorizer.transform([" ".join(asked)]).toarray().ravel())

    return score


def mean_of_liked(papers: Sequence[Paper]) -> Scorer:
    """Cosine to the mean of the liked papers, and nothing else."""
    table = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(_texts(papers))

    def score(judged: Judged) -> Vector | None:
        liked = _rows(papers, judged.liked)
        return np.asarray(table @ np.asarray(table[liked].mean(axis=0)).ravel()) if liked else None

    return score


def svm_of_liked(papers: Sequence[Paper]) -> Scorer:
    """arxiv-sanity-lite's way: 20,000 TF-IDF features of words and pairs, a linear SVM of liked against all others."""
    table = TfidfVectorizer(
        sublinear_tf=True, stop_words="english", ngram_range=(1, 2), max_features=20_000
    ).fit_transform(_texts(papers))

    def score(judged: Judged) -> Vector | None:
        liked = _rows(papers, judged.liked)
        if not liked:
            return None
        labels = np.zeros(len(papers))
        labels[liked] = 1
        machine = LinearSVC(C=0.01, class_weight="balanced", max_iter=10_000, tol=1e-4, random_state=0)
        return np.asarray(machine.fit(table, labels).decision_function(table))

    return score


def upvotes(papers: Sequence[Paper]) -> Scorer:
    """What the community likes, the same for everybody."""
    counts = np.array([paper.upvotes or 0 for paper in papers], dtype=float)
    return lambda judged: counts if counts.any() and judged.id else None


BASELINES: Mapping[str, Baseline] = {
    "keyword count": keyword_count,
    "tf-idf": tfidf_cosine,
    "bm25": bm25,
    "mean of liked": mean_of_liked,
    "svm of liked": svm_of_liked,
    "upvotes": upvotes,
}
