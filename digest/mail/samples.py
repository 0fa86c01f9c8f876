"""Invented papers and a reader who likes them: material for previews, pictures and tests of every mail."""

from datetime import UTC, date, datetime, time

from digest.mail.links import Links
from digest.mail.rendered import Sender
from digest.model import (
    Cadence,
    Digest,
    Interest,
    Issue,
    Paper,
    Pick,
    Profile,
    Reason,
    ReasonKind,
    Score,
    Section,
    Update,
)

_WHY = {
    "draft": Reason(ReasonKind.KEYWORD, "speculative decoding", 0.9),
    "codec": Reason(ReasonKind.KEYWORD, "neural compression", 0.8),
    "cache": Reason(ReasonKind.RELATED, "KV cache, near your keyword attention", 0.5),
    "person": Reason(ReasonKind.AUTHOR, "Oriane Castelbajac", 0.8),
    "lab": Reason(ReasonKind.ORGANIZATION, "Tidewrack Audio", 0.7),
    "survey": Reason(ReasonKind.KEYWORD, "benchmark", -0.2),
}

_PAPERS = (
    Paper(
        "arxiv:2603.90001",
        "Tandem Quill: Drafting Eight Tokens Ahead Without a Second Model",
        "Speculative decoding needs a draft model that somebody has to train, store and keep in step. We let the last "
        "four layers of the target model do the drafting, with one small head a layer and no extra memory for the "
        "cache. On six public models a token costs between 38 and 52 percent less, and the output stays the same bit "
        "for bit. The heads train in two hours on one card.",
        "https://arxiv.org/abs/2603.90001",
        ("Maëlle Tregoat", "Ifeanyi Okwuosa-Lind", "Sunniva Dahlbräck", "Teo Marchetti", "Ngozi Abara"),
        8,
        "Harbour Systems Lab",
        None,
        date(2026, 3, 4),
        ("Computation and Language", "Machine Learning"),
        64,
        7,
    ),
    Paper(
        "arxiv:2603.90002",
        "What the Cache Forgets: Eviction by Regret Instead of Age",
        "Serving systems throw away the oldest part of an attention cache when memory is short. We measure what each "
        "discarded block would have saved, call it regret, and keep what is regretted most. Long conversations answer "
        "1.7 times faster at equal quality, and the bookkeeping is one integer a block.",
        "https://arxiv.org/abs/2603.90002",
        ("Pilar Echevarri", "Juro Hanabusa"),
        None,
        None,
        None,
        date(2026, 3, 3),
        ("Distributed Computing",),
        23,
        None,
    ),
    Paper(
        "arxiv:2603.90003",
        "An $\\mathcal{O}(n \\log n)$ Entropy Coder for Learned Image Codecs",
        "Neural compression has been held back by coders that walk through an image one latent at a time. We order the "
        "latents by how surprising they are and code them in $\\log n$ passes.",
        "https://arxiv.org/abs/2603.90003",
        (),
        5,
        "Kestrel Institute",
        None,
        date(2026, 3, 4),
        ("Computer Vision",),
        12,
        2,
    ),
    Paper(
        "arxiv:2603.90004",
        "Small Rooms, Large Voices: Dereverberation as a Retrieval Problem",
        "A room answers every voice in the same way. We store ten thousand answers and look up the one that fits, which "
        "turns out to be better and much cheaper than estimating it from noise.",
        "https://arxiv.org/abs/2603.90004",
        ("Oriane Castelbajac", "Dag Ulvestad"),
        None,
        "Tidewrack Audio",
        None,
        date(2026, 3, 2),
        ("Sound",),
        None,
        None,
    ),
    Paper(
        "arxiv:2603.90005",
        "ضغط النماذج اللغوية الكبيرة دون فقدان اللهجات",
        "نقترح طريقة لضغط النماذج اللغوية تحافظ على اللهجات المحلية بقياس أثر كل وزن في كل لهجة على حدة قبل حذفه.",
        "https://arxiv.org/abs/2603.90005",
        ("Leïla Ben Youssef", "Hamza Qadri"),
        None,
        None,
        None,
        date(2026, 3, 4),
        ("Computation and Language",),
        9,
        None,
    ),
    Paper(
        "arxiv:2603.90006",
        "Ledgerbench: Can Agents Keep the Books of a Small Bakery for a Year?",
        "We give language agents the receipts, the bank statements and the moods of one bakery. After twelve simulated "
        "months no agent closes the books without a mistake, and most of them invent a supplier of flour.",
        "https://arxiv.org/abs/2603.90006",
        ("Vesna Karamarko", "Amadou Thiam", "Ruth Ellingboe", "Bo Sandgren"),
        4,
        "Open Workshop",
        "open-workshop",
        date(2026, 3, 3),
        ("Artificial Intelligence",),
        187,
        31,
    ),
    Paper(
        "arxiv:2602.90007",
        "Hushed Gradients: Training Speech Models on Whispers Alone",
        url="https://arxiv.org/abs/2602.90007",
        upvotes=96,
    ),
)


def _pick(paper: int, value: float, section: Section, *why: str) -> Pick:
    known = _PAPERS[paper]
    reasons = [_WHY[name] for name in why]
    if known.upvotes:
        liked = Reason(ReasonKind.TRENDING, f"{known.upvotes} upvotes", known.upvotes / 250)
        reasons.append(liked)
    return Pick(known, Score(known.id, value, tuple(reasons)), section)


PROFILE = Profile(
    email="reader@example.org",
    name="Sefa Lindqvist",
    timezone="Europe/London",
    cadence=Cadence("weekday", time(7, 30)),
    interests=(
        Interest(("speculative decoding", "draft model"), 2.0),
        Interest(("neural compression", "codec*")),
        Interest(("attention",)),
        Interest(("benchmark",), -0.5),
    ),
    follow_authors=("Oriane Castelbajac",),
    follow_organizations=("Tidewrack Audio",),
)
ISSUE = Issue("2026-03-05/day", date(2026, 3, 5), datetime(2026, 3, 5, 7, 30, tzinfo=UTC))
SENDER = Sender(
    "Paper Digest",
    "papers@digest.example.org",
    reply_to="editor@example.org",
    list_id="Paper Digest <papers.digest.example.org>",
    postal_address="Paper Digest, 12 Sample Lane, 12345 Exampletown",
)
DIGEST = Digest(
    ISSUE,
    PROFILE.email,
    (
        _pick(0, 2.1, Section.TOP, "draft", "cache"),
        _pick(1, 1.4, Section.TOP, "cache"),
        _pick(2, 1.2, Section.TOP, "codec"),
        _pick(4, 0.7, Section.TOP, "codec"),
        _pick(3, 1.0, Section.FOLLOWING, "person", "lab"),
        _pick(5, 0.6, Section.WILDCARD, "survey"),
    ),
    candidates=412,
    profile=PROFILE,
    updates=(Update(_PAPERS[6], date(2026, 2, 26), 4),),
)


LINKS = Links(
    unsubscribe_url="https://digest.example.org/u/AAAAAAeXn5l2Uw8RkKq0v1oBvYgH",
    unsubscribe_mailto="mailto:leave@digest.example.org?subject=unsubscribe",
    preferences_url="https://digest.example.org/p/AAAAAAc9tQ6mP2rLzJdVxN4sEwXa",
    web_url="https://digest.example.org/w/AAAAAAa7yH3kFbTgMnCuSiO5eRvZ/2026-03-05",
    feedback_url="https://digest.example.org/f/AAAAAAfQ3hVbWm1u0pYzKw4Jr2sT",
)
