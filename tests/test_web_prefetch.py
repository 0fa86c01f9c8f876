"""Programs open every link of every mail, and some run what they find there: nothing changes until somebody presses."""

import pytest

from digest.mail.render import KINDS
from tests.attacks.fortress import PAGES, fortress
from tests.attacks.mailbag import SCANNERS, mailbag, paths_in


@pytest.fixture
def house(tmp_path):
    with fortress(tmp_path) as built:
        yield built


def test_the_mailbag_holds_every_kind_of_mail_and_its_links_every_kind_of_token(house):
    mails = mailbag(house)
    assert set(mails) == set(KINDS)
    linked = {path.split("/")[1] for mail in mails.values() for path in paths_in(mail)}
    opened = {page.split("/")[1] for kind, pages in PAGES.items() if kind != "feed" for page in pages}
    assert opened <= linked  # a feed's address is told on the settings page alone


def test_opening_every_link_of_every_mail_changes_nothing(house):
    mails, before = mailbag(house), house.dump()
    for path in {path for mail in mails.values() for path in paths_in(mail)}:
        for agent in SCANNERS:
            for method in ("GET", "HEAD", "OPTIONS"):
                house.elsewhere()
                answer = house.browser.request(method, path, headers={"User-Agent": agent})
                # The operator's pages are linked in alerts, and show nothing but their login.
                wanted = (401, 405) if path.startswith("/operator") else (200, 405)
                assert answer.status_code in wanted, (method, path)
    assert house.dump() == before
