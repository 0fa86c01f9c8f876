"""What a reader sees of a digest, in both parts."""

import random
from dataclasses import replace
from datetime import date
from unicodedata import east_asian_width

import pytest
from lxml import html as lxml_html

from digest.errors import DigestError
from digest.mail import samples
from digest.mail.known import Known
from digest.mail.links import Links, safe_url
from digest.mail.render import LARGEST_HTML, Renderer
from digest.mail.rendered import Rendered
from digest.mail.wrapping import _lines_of_any, wrapped
from digest.model import Digest, Interest, Pick, Reason, ReasonKind, Score, Section, Update
from tests.builders import a_paper, a_profile

RENDERER = Renderer()
WEB = Links(unsubscribe_url="https://digest.example.org/u/token")


def a_pick(number=1, value=1.0, section=Section.TOP, why=(), **fields):
    paper = a_paper(number, **fields)
    return Pick(paper, Score(paper.id, value, tuple(why)), section)


def a_digest(*picks, candidates=412, **profile):
    return Digest(samples.ISSUE, "reader@example.org", picks, candidates, a_profile(**profile))


def rendered(digest, links=WEB, **sender) -> Rendered:
    return RENDERER.digest(digest, links, sender=replace(samples.SENDER, **sender))


def urls_of_html(mail: Rendered) -> set[str]:
    return {str(url) for url in lxml_html.fromstring(mail.html).xpath("//a/@href")}


def urls_of_text(mail: Rendered) -> set[str]:
    return {word for word in mail.text.split() if word.startswith(("http:", "https:", "mailto:"))}


def visible(mail: Rendered) -> str:
    body = lxml_html.fromstring(mail.html).xpath("//body")[0]
    return " ".join(body.text_content().split())


def test_the_subject_is_the_strongest_title_and_how_many_more():
    mail = rendered(a_digest(a_pick(1, 0.2), a_pick(2, 0.9), a_pick(3, 0.5)))
    assert mail.subject == "A Careful Study of Subject 2 and 2 more"


def test_the_subject_of_one_paper_promises_no_more():
    assert rendered(a_digest(a_pick(1))).subject == "A Careful Study of Subject 1"


def test_the_preheader_names_two_other_titles():
    mail = rendered(a_digest(*[a_pick(n, 1 / n) for n in (1, 2, 3, 4)]))
    assert "Also: A Careful Study of Subject 2 · A Careful Study of Subject 3" in visible(mail)


def test_the_top_line_states_the_scale_and_the_interests():
    interests = tuple(Interest((name,)) for name in ("codecs", "agents", "robots", "cells"))
    mail = rendered(a_digest(a_pick(1), a_pick(2), candidates=3412, interests=interests))
    line = "2 of 3,412 new papers, matched to codecs, agents, robots and 1 more."
    assert line in visible(mail)
    assert line in " ".join(mail.text.split())


def test_a_profile_without_interests_is_told_what_decided():
    mail = rendered(a_digest(a_pick(1), interests=()))
    assert "1 of 412 new papers, the ones the community likes most." in mail.text


def test_a_quiet_day_says_so_in_both_parts():
    mail = rendered(a_digest())
    assert mail.subject == "A quiet day, Thursday, 5 March 2026"
    for words in (visible(mail), " ".join(mail.text.split())):
        assert "None of 412 new papers came close to speculative decoding." in words


@pytest.mark.parametrize(
    ("picks", "candidates", "said"),
    [
        (0, 0, "No new papers were picked up since your last digest."),
        (0, 1, "The one new paper did not come close to speculative decoding."),
        (0, 2, "None of 2 new papers came close to speculative decoding."),
        (1, 1, "The one new paper, matched to speculative decoding."),
        (1, 2, "1 of 2 new papers, matched to speculative decoding."),
        (2, 2, "2 of 2 new papers, matched to speculative decoding."),
    ],
)
def test_few_papers_are_counted_as_people_count(picks, candidates, said):
    mail = rendered(a_digest(*(a_pick(number) for number in range(picks)), candidates=candidates))
    assert said in " ".join(mail.text.split())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"authors": ("A", "B", "C", "D", "E")}, "A, B, C +2"),
        ({"authors": ("A", "B"), "authors_count": 7}, "A, B +5"),
        ({"authors_count": 5}, "5 authors"),
        ({"authors_count": 1}, "1 author"),
        ({}, ""),
    ],
    ids=["five names", "two of seven", "count only", "one", "unknown"],
)
def test_authors_are_said_as_far_as_they_are_known(fields, said):
    mail = rendered(a_digest(a_pick(1, **fields, published_on=None, abstract=None)))
    line = mail.text.split("Subject 1\n")[1].split("\n")[0].strip()
    assert line == (said or "https://arxiv.org/abs/2602.00001")


def test_facts_stand_on_one_line_and_unknown_ones_leave_no_gap():
    paper = {
        "authors": ("A. B.",),
        "organization": "Lab",
        "fields": ("Sound", "Robotics"),
        "published_on": date(2026, 3, 4),
    }
    assert "A. B. · Lab · Sound · 4 Mar 2026" in rendered(a_digest(a_pick(1, **paper))).text.replace(
        "\u00a0", " "
    )


def test_reasons_are_told_in_the_scorers_order_and_faint_ones_not_at_all():
    why = [
        Reason(ReasonKind.KEYWORD, "speculative decoding", 0.9),
        Reason(ReasonKind.RECENT, "published 2026-03-04", 0.9),
        Reason(ReasonKind.ORGANIZATION, "kyutai", 0.5),
        Reason(ReasonKind.TRENDING, "41 upvotes", 0.05),
    ]
    mail = rendered(a_digest(a_pick(1, why=why, upvotes=41)))
    assert "Why: speculative decoding, weight 2; kyutai, followed\n  41\u00a0upvotes\n" in mail.text


def test_votes_are_not_said_twice():
    mail = rendered(a_digest(a_pick(1, why=[Reason(ReasonKind.TRENDING, "41 upvotes", 0.5)], upvotes=41)))
    assert visible(mail).count("41 upvotes") == 1
    assert "popular: 41 upvotes" in mail.text


@pytest.mark.parametrize("votes", [{"upvotes": 0, "comments": 0}, {"upvotes": None}])
def test_no_votes_are_not_worth_a_word(votes):
    mail = rendered(a_digest(a_pick(1, **votes)))
    assert "upvote" not in mail.text
    assert "comment" not in mail.text


def test_what_speaks_against_a_paper_is_told_too():
    why = [Reason(ReasonKind.KEYWORD, "codecs", 0.9), Reason(ReasonKind.KEYWORD, "survey", -0.3)]
    assert "Why: codecs; despite survey" in rendered(a_digest(a_pick(1, why=why))).text


def test_a_name_from_right_to_left_does_not_move_its_neighbours():
    mail = rendered(a_digest(a_pick(1, authors=("ليلى",), organization="Lab", abstract=None)))
    assert "\u2067ليلى\u2069 · Lab" in mail.text
    assert "\u2067ليلى\u2069 · Lab" in visible(mail)


def test_sections_are_named_only_when_there_are_several():
    alone = rendered(a_digest(a_pick(1), a_pick(2)))
    mixed = rendered(a_digest(a_pick(1), a_pick(2), a_pick(3, section=Section.WILDCARD)))
    assert "Closest to your interests" not in alone.text
    for words in (visible(mixed), mixed.text):
        assert words.count("Closest to your interests") == 1
        assert words.count("One from outside your interests") == 1


def test_both_parts_hold_the_same_links():
    for links in (samples.LINKS, WEB, Links(), Links(unsubscribe_mailto="leave@example.org")):
        mail = rendered(samples.DIGEST, links)
        assert urls_of_html(mail) == urls_of_text(mail)
    assert len(urls_of_html(rendered(samples.DIGEST, samples.LINKS))) == 7 + 2 * 6 + 3 + 3


@pytest.mark.parametrize(
    ("links", "said"),
    [
        (Links(unsubscribe_mailto="leave@example.org"), "mailto:leave@example.org?subject=unsubscribe"),
        (
            Links(profile_file="config/subscribers/me.toml"),
            "edit it to change this digest, remove it to end it.",
        ),
        (Links(), "To change your topics or to leave, answer this mail."),
    ],
    ids=["mail", "file", "nothing"],
)
def test_the_footer_promises_only_what_there_is(links, said):
    mail = rendered(samples.DIGEST, links)
    assert said in " ".join(mail.text.split())
    assert "digest.example.org/" not in mail.text


def test_the_footer_says_why_and_from_where():
    text = " ".join(rendered(samples.DIGEST).text.split())
    assert "Your subscription: every weekday at 07:30 (Europe/London), to reader@example.org" in text
    assert "12 Sample Lane" in text
    assert "12 Sample Lane" not in rendered(samples.DIGEST, postal_address=None).text


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "ftp://example.org/x", "//example.org", "https://a.example@b.example/",
     "https://exa mple.org", "https://", "http://example.org\\@b.example", "https://x\u202e.org/", "https://[::1", None],
)  # fmt: skip
def test_a_link_that_is_not_plainly_http_is_no_link(url):
    mail = rendered(a_digest(a_pick(1, url=url)))
    assert urls_of_html(mail) == {"https://digest.example.org/u/token"} == urls_of_text(mail)
    assert "A Careful Study of Subject 1" in visible(mail)


def test_a_link_beyond_ascii_is_written_in_ascii():
    assert (
        safe_url("https://müller.example/ä?q='x'\"<")
        == "https://xn--mller-kva.example/%C3%A4?q=%27x%27%22%3C"
    )


def test_feedback_that_cannot_be_linked_is_left_out():
    assert "Less like this" not in rendered(samples.DIGEST, Links(feedback_url="javascript:1")).text


FEEDBACK = Links(feedback_url="https://digest.example.org/f/token")


def test_every_paper_has_two_verbs_whatever_its_id_is_made_of():
    mail = rendered(a_digest(a_pick(1, id="doi:10.1101/2026.03.01.1?x#y")), FEEDBACK)
    about = "doi:10.1101%2F2026.03.01.1%3Fx%23y"
    below = f"{FEEDBACK.feedback_url}/"
    assert {f"{below}more/{about}", f"{below}less/{about}"} <= urls_of_html(mail) == urls_of_text(mail)


@pytest.mark.parametrize(
    ("kind", "reason", "said", "path"),
    [
        (ReasonKind.KEYWORD, "draft model", "Mute draft model", "draft%20model"),
        (ReasonKind.RELATED, "KV cache, near your keyword attention", "Mute KV cache", "KV%20cache"),
        (ReasonKind.RELATED, "near your keyword attention", "Mute attention", "attention"),
        (ReasonKind.KEYWORD, "C/C++?", "Mute C/C++?", "C%2FC%2B%2B%3F"),
    ],
    ids=["keyword", "related phrase", "related only", "letters of a URL"],
)
def test_the_term_that_brought_a_paper_can_be_muted(kind, reason, said, path):
    mail = rendered(a_digest(a_pick(1, why=[Reason(kind, reason, 1.0)])), FEEDBACK)
    assert said in visible(mail)
    assert f"{FEEDBACK.feedback_url}/mute/{path}" in urls_of_html(mail) & urls_of_text(mail)


def test_where_no_term_brought_a_paper_there_is_none_to_mute():
    why = [Reason(ReasonKind.TRENDING, "41 upvotes", 1.0), Reason(ReasonKind.KEYWORD, "survey", -1.0)]
    mail = rendered(a_digest(a_pick(1, why=why)), FEEDBACK)
    assert "Mute" not in visible(mail)
    assert "Less like this" in visible(mail)


def test_a_digest_of_ten_papers_stays_below_25_kb():
    long = {
        "abstract": "word " * 400,
        "authors": ("Some Author",) * 5,
        "organization": "A Laboratory",
        "upvotes": 41,
    }
    why = [
        Reason(ReasonKind.KEYWORD, "speculative decoding", 1.0),
        Reason(ReasonKind.RELATED, "part of your keyword draft", 0.5),
    ]
    mail = rendered(a_digest(*[a_pick(n, why=why, **long) for n in range(10)]), samples.LINKS)
    assert len(mail.html.encode()) <= 25_000


@pytest.mark.parametrize(
    ("papers", "shown"), [(60, 60), (150, 150), (1000, 160)], ids=["shorter", "rows", "fewer"]
)
def test_no_mail_grows_beyond_what_is_clipped(papers, shown):
    long = {"abstract": "word " * 400, "authors": ("Some Author",) * 5, "organization": "A Laboratory"}
    mail = rendered(a_digest(*[a_pick(n, **long) for n in range(papers)]), samples.LINKS)
    assert len(mail.html.encode()) <= LARGEST_HTML
    titles = visible(mail).count("A Careful Study") - 3  # the preheader and the subject name some
    assert titles >= min(shown, papers) - 1
    assert ("this mail is full" in mail.text) == (papers == 1000)
    assert "Unsubscribe" in visible(mail)


def test_a_full_mail_counts_what_it_leaves_out():
    mail = rendered(a_digest(*[a_pick(n, title=f"{n:04} " + "界" * 290) for n in range(400)]))
    shown = len(urls_of_text(mail)) - 1
    assert f"And {400 - shown} more papers: this mail is full." in mail.text
    assert shown > 50


def test_paper_text_written_once_is_the_same_as_written_anew():
    shared = Renderer()
    first = shared.digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)
    again = shared.digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)
    anew = Renderer(shares=False).digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)
    assert first.html == again.html == anew.html
    assert first.text == again.text == anew.text


def test_a_paper_that_changed_is_written_anew():
    before, after = a_digest(a_pick(1)), a_digest(a_pick(1, abstract="Something else."))
    assert "We study" in rendered(before).text
    assert "Something else." in rendered(after).text


@pytest.mark.parametrize("name", ["digest/body.mjml", "digest/card.html", "digest/why.txt"])
def test_a_broken_template_is_named(tmp_path, name):
    broken = tmp_path / "email" / name
    broken.parent.mkdir(parents=True)
    broken.write_text("{% if %} <mjml><mj-body></mjml>")
    with pytest.raises(DigestError, match=f"{broken} is broken"):
        Renderer(tmp_path)


def test_own_templates_replace_some_and_the_others_stay(tmp_path):
    (tmp_path / "email" / "digest").mkdir(parents=True)
    (tmp_path / "email" / "digest" / "subject.txt").write_text("Tea and {{ titles[0] }}")
    mail = Renderer(tmp_path).digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)
    assert mail.subject.startswith("Tea and Tandem Quill")
    assert mail.html.count("<h2") == rendered(samples.DIGEST, samples.LINKS).html.count("<h2")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ title }}", r"digest/subject\.txt asks for 'title'; it may use address, day, "),
        ("{{ titles.first.name }}", r"digest/subject\.txt cannot be filled"),
    ],
)
def test_a_template_that_asks_for_what_is_not_there_is_named(tmp_path, source, said):
    (tmp_path / "email" / "digest").mkdir(parents=True)
    (tmp_path / "email" / "digest" / "subject.txt").write_text(source)
    with pytest.raises(DigestError, match=said):
        Renderer(tmp_path).digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)


def test_links_of_one_reader_are_not_kept_for_the_next():
    renderer = Renderer()

    def remembered(reader: int) -> int:
        links = Links(feedback_url=f"https://x.example/f/{reader:028}")
        renderer.digest(samples.DIGEST, links, sender=samples.SENDER)
        return sum(len(kept) for kept in vars(renderer._cards).values() if isinstance(kept, dict))

    assert remembered(1) == remembered(2) == remembered(3)


def test_plain_text_is_set_to_72_columns_in_every_script():
    japanese = "潮の満ち引きを港の音から読み取る方法を提案する。" * 8
    mail = rendered(
        a_digest(a_pick(1, title="word " * 30, abstract=japanese), a_pick(2, title=japanese[:80]))
    )
    lines = [line for line in mail.text.splitlines() if "://" not in line]
    assert max(len(line) + sum(east_asian_width(c) in "WF" for c in line) for line in lines) <= 72
    assert japanese[:200] in mail.text.replace("\n  ", "")


ARABIC = "ضغط النماذج"


@pytest.mark.parametrize(
    ("title", "direction", "in_text"),
    [
        (
            f"{ARABIC}: Compressing Language Models",
            "ltr",
            f"\u2066{ARABIC}: Compressing Language Models\u2069",
        ),
        (f"{ARABIC} اللغوية (LLM)", "rtl", f"{ARABIC} اللغوية (LLM)"),
        (f"LLM {ARABIC} اللغوية", "rtl", f"\u2067LLM {ARABIC} اللغوية\u2069"),
        ("A Plain One", "ltr", "A Plain One"),
    ],
    ids=["begins in Arabic, mostly English", "Arabic", "begins in Latin, mostly Arabic", "English"],
)
def test_most_letters_of_a_title_decide_its_direction(title, direction, in_text):
    mail = rendered(a_digest(a_pick(1, title=title)))
    (heading,) = lxml_html.fromstring(mail.html).xpath("//h2[a]")
    assert (heading.get("dir"), heading.text_content().strip()) == (direction, title)
    assert f"\n{in_text}\n" in mail.text


def test_news_of_earlier_papers_stands_below_the_new_ones_in_one_line_each():
    update = Update(a_paper(2, upvotes=1204), date(2026, 3, 3), 9)
    mail = rendered(replace(a_digest(a_pick(1)), updates=(update,)))
    for words in (visible(mail), " ".join(mail.text.split())):
        assert words.index("Subject 1") < words.index("Liked since you had them") < words.index("Subject 2")
        assert "1,204 upvotes now, 9 when it came on 3 March" in words
    assert urls_of_html(mail) == urls_of_text(mail)
    assert "Liked since" not in rendered(a_digest(a_pick(1))).text


def test_a_name_that_looks_like_a_host_is_no_host():
    mail = rendered(
        a_digest(a_pick(1, title="Quill.world: Drafting with Node.js", abstract="See Ember.click for more."))
    )
    for words in (visible(mail), mail.text):
        assert "Quill.\u2060world: Drafting with Node.js" in words
        assert "Ember.\u2060click" in words


def test_lines_of_plain_words_are_broken_where_those_of_any_script_are():
    chance = random.Random(3)  # the same words every time
    for _ in range(2_000):
        words = [
            "x" * chance.choice((1, 2, 5, 9, 30, 69, 70, 71, 72, 73, 120))
            for _ in range(chance.randint(1, 14))
        ]
        indent = " " * chance.choice((0, 2))
        text = " ".join(words)
        assert wrapped(text, indent).split("\n") == list(_lines_of_any(text, indent))


def test_what_is_remembered_has_a_limit_and_the_newer_half_stays():
    made = Known(str, 4)
    assert [made[number] for number in range(5)] == ["0", "1", "2", "3", "4"]
    assert list(made) == [2, 3, 4]
    forgetful = Known(str, 0)
    assert (forgetful[1], len(forgetful)) == ("1", 0)
