"""A good guest: pauses between requests to one host, robots.txt, and another try when the trouble may pass."""

from datetime import timedelta

import pytest

from digest.errors import SourceError
from digest.pages.calendar import better_address
from digest.pages.fetch import MemoryFetcher, Validators
from digest.pages.polite import PoliteFetcher
from tests.builders import NOW

PAGE = "https://pages.example/papers"
FEED = "https://pages.example/rss/cs.CL"


class Time:
    """A clock that waiting moves on."""

    def __init__(self):
        self.seconds = 100.0
        self.waits = []

    def wait(self, seconds):
        self.waits.append(round(seconds, 3))
        self.seconds += seconds

    def clock(self):
        return self.seconds


def guest(answers):
    inner, time = MemoryFetcher(answers), Time()
    return PoliteFetcher(inner, wait=time.wait, clock=time.clock), inner, time


def fetch(polite, url, now=NOW):
    return polite.fetch(url, source="web", validators=Validators(), now=now)


def test_two_requests_to_one_host_keep_a_second_apart_and_two_hosts_do_not_wait():
    polite, _, time = guest({FEED: b"a", "https://other.example/rss": b"b"})
    fetch(polite, FEED)
    fetch(polite, "https://other.example/rss")
    assert time.waits == []
    fetch(polite, FEED)
    assert time.waits == [1.0]


def test_arxiv_gets_the_three_seconds_it_asks_for():
    polite, _, time = guest({"https://export.arxiv.org/api/query?x": b"a"})
    fetch(polite, "https://export.arxiv.org/api/query?x")
    fetch(polite, "https://export.arxiv.org/api/query?x")
    assert time.waits == [3.0]


def test_a_page_that_robots_txt_closes_is_not_fetched():
    robots = b"User-agent: *\nDisallow: /papers\n"
    polite, inner, _ = guest({"https://pages.example/robots.txt": robots, PAGE: b"page"})
    with pytest.raises(SourceError, match=r"robots\.txt") as caught:
        fetch(polite, PAGE)
    assert caught.value.state == "refused"
    assert PAGE not in inner.asked


def test_a_feed_is_made_for_programs_and_needs_no_leave():
    polite, inner, _ = guest(
        {"https://pages.example/robots.txt": b"User-agent: *\nDisallow: /\n", FEED: b"feed"}
    )
    assert fetch(polite, FEED).page is not None
    assert inner.asked == [FEED]


def test_a_site_without_robots_txt_is_open_and_asked_for_it_once_a_day():
    polite, inner, _ = guest({PAGE: b"page"})
    fetch(polite, PAGE)
    fetch(polite, PAGE, NOW + timedelta(hours=23))
    assert inner.asked.count("https://pages.example/robots.txt") == 1
    fetch(polite, PAGE, NOW + timedelta(hours=25))
    assert inner.asked.count("https://pages.example/robots.txt") == 2


def test_a_site_in_trouble_is_left_alone():
    polite, inner, _ = guest({"https://pages.example/robots.txt": SourceError("500"), PAGE: b"page"})
    with pytest.raises(SourceError):
        fetch(polite, PAGE)
    assert PAGE not in inner.asked


def test_what_may_pass_is_tried_three_times_with_growing_pauses():
    polite, inner, time = guest({FEED: SourceError("reset")})
    with pytest.raises(SourceError, match="reset"):
        fetch(polite, FEED)
    assert inner.asked == [FEED] * 3
    first, second = time.waits
    assert 1.0 <= first <= 1.5
    assert 4.0 <= second <= 6.0


@pytest.mark.parametrize(
    "trouble",
    [
        SourceError("404", state="broken"),
        SourceError("403", state="refused"),
        SourceError("503", retry_after=600),
    ],
)
def test_what_will_not_pass_soon_is_not_tried_again(trouble):
    polite, inner, _ = guest({FEED: trouble})
    with pytest.raises(SourceError):
        fetch(polite, FEED)
    assert inner.asked == [FEED]


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        (
            "https://huggingface.co/papers",
            "https://huggingface.co/api/daily_papers?date={date}&limit=100&p={page}",
        ),
        (
            "https://huggingface.co/papers/date/2026-03-02",
            "https://huggingface.co/api/daily_papers?date={date}&limit=100&p={page}",
        ),
        ("https://huggingface.co/papers?q=codec", "https://huggingface.co/papers?q=codec"),
        ("https://arxiv.org/list/cs.CL/recent", "https://rss.arxiv.org/rss/cs.CL"),
        ("https://pages.example/rss", "https://pages.example/rss"),
    ],
)
def test_a_page_made_for_people_is_exchanged_for_what_is_made_for_programs(seen, asked):
    assert better_address(seen) == asked
