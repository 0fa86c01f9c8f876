"""Thousands of generated headers, and the dates of whole years in zones of all kinds; `make torture` takes all of them."""

import os

from tests.torture import dates, headers

IN_CI = bool(os.environ.get("CI"))


def test_no_text_makes_another_header_and_each_comes_back_as_it_was():
    fared = headers.run(20_000 if IN_CI else 3_000, seed=20260302)
    assert fared.examples == []
    assert (fared.extra, fared.changed) == (0, 0)
    assert fared.addresses > fared.texts // 4


def test_each_local_date_has_one_issue_at_its_own_hour_in_any_zone():
    days = dates.run(60 if IN_CI else 8, years=2, seed=20260302)
    assert days.examples == []
    assert days.dates > 700 * days.zones
