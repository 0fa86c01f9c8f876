"""Help with keywords: hits, mended spellings, neighbours, proposals."""

from digest.ranking import PaperRanker
from digest.ranking.advice import KeywordHelp
from tests.builders import a_paper
from tests.test_ranking_votes import CORPUS, RANKER, papers_on

HELP = KeywordHelp(RANKER, CORPUS)


def test_what_papers_are_about_is_told_in_phrases_of_their_own_and_no_word_twice():
    phrases = HELP.usual_phrases(6)
    words = [word for phrase in phrases for word in phrase.split()]
    assert 1 <= len(phrases) <= 6
    assert len(words) == len(set(words)) == 2 * len(phrases)
    assert all(advice.hits >= 3 for advice in HELP.advise(phrases))


def test_a_phrase_to_begin_with_is_written_as_the_papers_write_it():
    papers = [
        a_paper(n, title=f"KV Cache for Part {n}", abstract=f"We shrink the KV cache of model {n}.")
        for n in range(5)
    ] + [a_paper(n, title=f"Storm {n}", abstract=f"Weather of sea {n}.") for n in range(5, 40)]
    assert "KV cache" in KeywordHelp(PaperRanker().fit(papers), papers).usual_phrases(6)


def test_keywords_are_told_their_hits():
    hits = {advice.typed: advice.hits for advice in HELP.advise(["robot", "gripper contact", "zylophone"])}
    assert 20 <= hits["robot"] <= 25
    assert 0 < hits["gripper contact"] < hits["robot"]
    assert hits["zylophone"] == 0


def test_a_keyword_said_everywhere_is_called_too_common():
    common, rare = HELP.advise(["method", "gripper"])
    assert common.is_too_common
    assert not rare.is_too_common
    assert len(rare.paper_ids) == 5


def test_a_misspelt_keyword_is_mended():
    advice = HELP.advise(["speculatve decoding"])[0]
    assert advice.hits == 0
    assert advice.suggestions[0] == "speculative decoding"


def test_a_dead_phrase_is_answered_with_phrases_that_live():
    suggestions = HELP.suggest("robot philosophy")
    assert suggestions
    assert all("robot" in suggestion for suggestion in suggestions)
    assert HELP.suggest("qqqq") == []


def test_pasted_papers_propose_what_they_have_in_common():
    proposed = HELP.propose(papers_on("speech", 4, start=50_000, seed=9), limit=6)
    words = {word for keyword in proposed for word in keyword.split()}
    assert len(proposed) == 6
    assert (
        len(words & {"speech", "codec", "audio", "phoneme", "speaker", "voice", "acoustic", "prosody"}) >= 4
    )
    assert HELP.propose([]) == []


def test_a_proposed_word_is_proposed_once():
    proposed = HELP.propose(papers_on("robots", 5, start=60_000, seed=9))
    words = [word for keyword in proposed for word in keyword.split()]
    assert len(words) == len(set(words))


def test_help_with_keywords_survives_an_empty_corpus():
    nothing = KeywordHelp(PaperRanker().fit([]), [])
    assert nothing.advise(["robot", "", "codec*"])[0].hits == 0
    assert nothing.suggest("robot") == []
    assert nothing.propose(papers_on("robots", 2, start=1, seed=1)) == []


def test_neighbours_are_what_papers_about_a_keyword_say_as_well():
    [advice] = HELP.advise(["robot"])
    assert advice.near
    assert not any("robot" in wording for wording in advice.near)


def test_the_same_keyword_gets_the_same_advice_in_any_company():
    together = HELP.advise(["robot", "speach", "gripper"])
    assert together == [HELP.advise([word])[0] for word in ("robot", "speach", "gripper")]


def test_the_order_of_papers_does_not_change_advice():
    assert KeywordHelp(RANKER, CORPUS[::-1]).advise(["robot", "speech"]) == HELP.advise(["robot", "speech"])


def test_what_to_begin_with_are_topics_and_no_scraps_of_text():
    text = (
        "Sparse retrieval finds passages. Extensive experiments show it. Sub-optimal index choices cost time. We keep a K V"
        " store, on supervised fine-tuning data, with Monte Carlo tree search. Code: https://github.com/some/place"
    )
    others = ["Storms cross the sea", "Enzymes fold slowly", "Bridges carry trains", "Poems rhyme at times"]
    scraps = [a_paper(n, title=f"Sparse Retrieval, Part {n}", abstract=text) for n in range(1, 6)]
    scraps += [
        a_paper(n, title=others[n % 4], abstract=f"{others[n % 4]}, says part {n}.") for n in range(6, 41)
    ]
    phrases = KeywordHelp(PaperRanker().fit(scraps), scraps).usual_phrases(50)
    assert "sparse retrieval" in phrases
    said = set(" ".join(phrases).split())
    assert not said & {"github", "com", "k", "v", "sub", "optimal", "supervised", "carlo", "extensive"}, (
        phrases
    )
