"""Mails sent per second from the outbox to `sent`, beside plain smtplib sending ready bytes to the same sink."""

import smtplib
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from digest.deliver import Policy, deliver
from digest.mail.smtp import SmtpTransport
from digest.model import Digest, Envelope, Issue, Message, Profile
from digest.store import Store
from digest.store.outbox import Owed, enqueue_digest
from digest.store.people import FileProfile, find_subscriber, put_file_profile
from digest.tables import SmtpSettings
from tests.benchmarks.sink import mail_sink

MESSAGES = 300
ROUNDS = 3
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BODY = (
    b"X-Filler: yes\r\n\r\n"
    + b"The quick brown fox jumps over the lazy dog, and then some more of it.\r\n" * 530
)  # 38 kB


def a_message(number: int) -> Message:
    """38 kB, as a digest of twenty papers is."""
    envelope = Envelope("digest@example.org", f"reader{number}@example.org")
    return Message(
        f"<{number}@example.org>",
        envelope,
        "A digest",
        f"Message-ID: <{number}@example.org>\r\n".encode() + BODY,
    )


def fill(store: Store, day: int) -> None:
    """Owe everybody one message."""
    issue = Issue(f"2026-03-{day:02}/day", date(2026, 3, day), NOW)
    with store.writing() as tx:
        for number in range(MESSAGES):
            message = a_message(day * MESSAGES + number)
            profile = Profile(email=message.envelope.rcpt_to)
            put_file_profile(
                tx, FileProfile(profile, "x", store.address_hash(profile.email), NOW, NOW), now=NOW
            )
            person = find_subscriber(tx, profile.email)
            assert person is not None
            enqueue_digest(
                tx, Owed(Digest(issue, profile.email, (), 0, profile), message, person, ()), now=NOW
            )


def ours(folder: Path, port: int, day: int) -> float:
    """Messages per second through the ledger: claim, two-half hand-over, one durable commit a message."""
    store = Store(f"sqlite:///{folder / f'{day}.db'}", secret=b"a benchmark")
    fill(store, day)
    transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none"))
    began = time.perf_counter()
    report = deliver(store, transport, policy=Policy(), clock=lambda: NOW)
    spent = time.perf_counter() - began
    store.close()
    assert report.sent == MESSAGES
    return MESSAGES / spent


def plain(port: int) -> float:
    """Messages per second of `smtplib.sendmail` with ready bytes on one connection, and no memory of anything."""
    messages = [a_message(number) for number in range(MESSAGES)]
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for message in messages:
            connection.sendmail(message.envelope.mail_from, [message.envelope.rcpt_to], message.raw)
    return MESSAGES / (time.perf_counter() - began)


def main() -> None:
    """Interleaved rounds, medians."""
    with tempfile.TemporaryDirectory() as folder, mail_sink() as (port, taken):
        rates = [(ours(Path(folder), port, day), plain(port)) for day in range(1, ROUNDS + 1)]
        assert taken.value == 2 * ROUNDS * MESSAGES
    our_rate, reference = (median(rate) for rate in zip(*rates, strict=True))
    print(f"sent, outbox to `sent`, one connection, a durable commit a message   {our_rate:8.0f} mails/s")
    print(
        f"  reference: plain smtplib sending ready bytes, keeping no record    {reference:8.0f} mails/s   ratio {our_rate / reference:.2f}"
    )


if __name__ == "__main__":
    main()
