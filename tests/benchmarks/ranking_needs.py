"""What readers ask for and judged collections do not hold, as small cases of invented papers.

Each case is a profile, what it has voted, and two papers of which one has to come first. A part of the scorer that
serves cases nothing else serves is kept, whatever it brings on average.
"""

from dataclasses import replace
from random import Random
from unittest.mock import patch

from digest.model import Interest
from digest.ranking import PaperRanker, Taste, counter, spelling
from digest.ranking.taste import TasteWeights
from tests.builders import NOW, a_paper, a_profile

FIELDS = {
    "retrieval": ["retrieval", "passage", "index", "corpus", "query", "grounding", "citation", "answer"],
    "speech": ["speech", "prosody", "phoneme", "speaker", "vocoder", "voice", "acoustic", "pitch"],
    "robots": ["robot", "gripper", "grasp", "tactile", "arm", "contact", "object", "pushing"],
    "proteins": ["protein", "residue", "folding", "ligand", "enzyme", "binding", "helix", "backbone"],
}
PLAIN = ["method", "result", "task", "system", "study", "approach", "evaluation", "training"]


def _about(field, number, extra=""):
    random = Random(f"{field}{number}")
    words = random.choices(FIELDS[field], k=10) + random.choices(PLAIN, k=14)
    return a_paper(number, title=" ".join(words[:3]), abstract=f"{extra} {' '.join(words[3:])}", upvotes=0)


CORPUS = [
    *(_about(field, 1_000 * place + n) for place, field in enumerate(FIELDS) for n in range(20)),
    *(_about("retrieval", 5_000 + n, "retrieval-augmented generation (RAG)") for n in range(3)),
    *(_about("speech", 6_000 + n, "text-to-speech (TTS)") for n in range(3)),
]


def _said(keyword, wanted, other):
    """A reader of one keyword; the paper with the first title has to come before the one with the second."""
    texts = (wanted, other)
    papers = [
        a_paper(9_000 + n, title=text, abstract="Nothing more is said.", upvotes=0)
        for n, text in enumerate(texts)
    ]
    return a_profile(interests=(Interest((keyword,)),), trending=0.0), None, papers


def _not_for_me(field, against):
    """A reader who has disliked three papers: another one like those comes last, though it says the keyword twice."""
    keyword = "sparse attention"
    disliked = [_about(against, 7_000 + n, keyword) for n in range(3)]
    once, twice = _about(field, 8_001, keyword), _about(against, 8_002, keyword)
    papers = [once, replace(twice, title=f"{keyword} {twice.title}")]
    profile = a_profile(interests=(Interest((keyword,)),), trending=0.0)
    return profile, Taste.of(disliked=disliked), papers


# Part -> how to leave it out, and its cases.
NEEDS = {
    "abbreviations": (
        (spelling.Abbreviations, "others", lambda *_: []),
        [
            _said("RAG", "Retrieval augmented generation at home", "Generation of rugs"),
            _said("retrieval-augmented generation", "RAG at home", "Generation of heat"),
            _said("TTS", "Text to speech at home", "Texts of old"),
            _said("text-to-speech", "TTS at home", "Texts of old"),
        ],
    ),
    "votes: dislikes": (
        (counter, "TasteWeights", lambda: TasteWeights(dislike=0.0)),
        [
            _not_for_me(field, against)
            for field, against in zip(FIELDS, [*list(FIELDS)[1:], "retrieval"], strict=True)
        ],
    ),
}


def served(case):
    """Whether the paper that has to come first does, and by more than the order of ids."""
    profile, taste, papers = case
    scores = PaperRanker().fit([*CORPUS, *papers]).rank(profile, papers, now=NOW, taste=taste)
    values = {score.paper_id: score.value for score in scores}
    return values[papers[0].id] > values[papers[1].id]


def needs():
    """Part -> cases, how many are served with it, and how many without."""
    counts = {}
    for part, (left_out, cases) in NEEDS.items():
        with_it = sum(map(served, cases))
        with patch.object(*left_out):
            counts[part] = (len(cases), with_it, sum(map(served, cases)))
    return counts


def show_needs():
    """Print it."""
    for part, (cases, with_it, without) in needs().items():
        verdict = "kept" if with_it > without else "brings nothing"
        print(f"{part:<30} cases served: {with_it} of {cases}, without it {without}: {verdict}")
