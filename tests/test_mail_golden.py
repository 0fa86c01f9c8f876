"""Whole mails, as they are. DIGEST_UPDATE_GOLDEN=1 rewrites them; look at the difference before you keep it."""

import os
from pathlib import Path

import pytest

from digest.mail import samples
from digest.mail.links import Links
from digest.mail.message import Recipient, message_id_for, write_message
from digest.mail.render import Renderer
from digest.model import Digest, Envelope

GOLDEN = Path(__file__).parent / "data" / "mails"
UPDATES = bool(os.environ.get("DIGEST_UPDATE_GOLDEN"))
QUIET = Digest(samples.ISSUE, samples.PROFILE.email, (), 37, samples.PROFILE)
FILE_OWNED = Links(profile_file="config/subscribers/reader.toml")
CASES = {
    "digest": (samples.DIGEST, samples.LINKS),
    "digest-laptop": (samples.DIGEST, FILE_OWNED),
    "digest-quiet": (QUIET, samples.LINKS),
}


def as_message(digest: Digest, links: Links):
    rendered = Renderer().digest(digest, links, sender=samples.SENDER)
    message = write_message(
        rendered,
        sender=samples.SENDER,
        envelope=Envelope("bounce@digest.example.org", digest.subscriber),
        recipient=Recipient(digest.subscriber, digest.profile.name),
        message_id=message_id_for(
            b"sample secret", issue_key=digest.issue.key, subscriber_id=1, domain="digest.example.org"
        ),
        date=digest.issue.due_at,
        links=links,
    )
    return rendered, message


@pytest.mark.parametrize("name", CASES)
def test_a_mail_is_written_as_it_always_was(name):
    rendered, message = as_message(*CASES[name])
    written = {
        "html": rendered.html.encode(),
        "txt": f"Subject: {rendered.subject}\n\n{rendered.text}".encode(),
        "eml": message.raw,
    }
    for suffix, content in written.items():
        golden = GOLDEN / f"{name}.{suffix}"
        if UPDATES:
            golden.parent.mkdir(exist_ok=True)
            golden.write_bytes(content)
        assert content == golden.read_bytes(), f"{golden.name} changed; DIGEST_UPDATE_GOLDEN=1 rewrites it"
