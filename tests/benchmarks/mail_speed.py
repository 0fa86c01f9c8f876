"""Whole mails per second and core, against the way mails are usually made, in one run.

    python -m tests.benchmarks.mail_speed [--mails 2000] [--rounds 5] [--papers 10]

The usual way renders Jinja, compiles MJML, builds an `EmailMessage` and signs with dkimpy, for each mail. Both ways write
the same papers with the same words. Figures are processor time of one process, the best of all rounds; the ways take
turns, so that what else the machine does hits both. Ratios are what to trust.
"""

import argparse
import gc
import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jinja2 import Environment, StrictUndefined
from mjml import mjml2html

from digest.mail import samples
from digest.mail.cards import DETAILS
from digest.mail.dkim import Key, Signer
from digest.mail.footer import footer_of
from digest.mail.links import Links
from digest.mail.message import Recipient, Sign, message_id_for, write_message
from digest.mail.render import Renderer
from digest.mail.templates import PAPERS, TemplateFolder, wrapped
from digest.mail.themes import THEMES
from digest.mail.view import card_of, entries_of, opening_of
from digest.mail.wording import long_date
from digest.model import Digest, Envelope, Paper, Pick, Reason, ReasonKind, Score, Section
from digest.shipped import shipped

dkim = importlib.import_module("dkim")  # dkimpy has no types
DOMAIN = "digest.example.org"


@dataclass(frozen=True)
class Job:
    """One reader's digest and links."""

    number: int
    digest: Digest
    links: Links


def jobs(mails: int, papers: int) -> list[Job]:
    """Readers of one day: everybody gets their own order and reasons out of 120 papers."""
    known = [pick.paper for pick in samples.DIGEST.picks]
    day = [
        replace(
            known[n % 6],
            id=f"arxiv:2603.{n:05}",
            url=f"https://arxiv.org/abs/2603.{n:05}",
            title=f"{known[n % 6].title}, {n}",
        )
        for n in range(120)
    ]
    return [Job(n, _digest(n, day, papers), _links(n)) for n in range(mails)]


def _digest(number: int, day: list[Paper], papers: int) -> Digest:
    picks = []
    for place in range(papers):
        paper = day[(number * 7 + place * 11) % len(day)]
        why = (
            Reason(
                ReasonKind.KEYWORD,
                ("speculative decoding", "codec*", "attention")[place % 3],
                1.0 + number / 1e6,
            ),
            Reason(ReasonKind.TRENDING, f"{paper.upvotes} upvotes", 0.3),
            Reason(ReasonKind.RECENT, "published 2026-03-04", 0.05),
        )
        picks.append(Pick(paper, Score(paper.id, 3.0 - place / 10, why), Section.TOP))
    email = f"reader{number}@example.org"
    return Digest(samples.ISSUE, email, tuple(picks), 412, replace(samples.PROFILE, email=email))


def _links(number: int) -> Links:
    token = f"AAAAAA{number:022}"
    return Links(f"https://{DOMAIN}/u/{token}", "leave@digest.example.org", f"https://{DOMAIN}/p/{token}")


def ours(sign: Sign | None) -> Callable[[Job], bytes]:
    """Our way, with or without a signature."""
    renderer = Renderer()

    def make(job: Job) -> bytes:
        rendered = renderer.digest(job.digest, job.links, sender=samples.SENDER)
        return write_message(
            rendered,
            sender=samples.SENDER,
            envelope=Envelope("bounce@digest.example.org", job.digest.subscriber),
            recipient=Recipient(job.digest.subscriber, "Sefa Lindqvist"),
            message_id=_message_id(job),
            date=samples.ISSUE.due_at,
            links=job.links,
            sign=sign,
        ).raw

    return make


def _message_id(job: Job) -> str:
    return message_id_for(
        b"secret" * 4, issue_key=job.digest.issue.key, subscriber_id=job.number, domain=DOMAIN
    )


class Usual:
    """The usual way: everything anew for each mail, with the libraries one finds first."""

    def __init__(self, key: bytes | None) -> None:
        folder = TemplateFolder([shipped("templates")], THEMES["paper"])

        def with_papers(body: str, suffix: str) -> str:
            parts = folder.source(f"digest/card.{suffix}") + folder.source(f"digest/why.{suffix}")
            return folder.source(body).replace(
                PAPERS, "{% for card, why in papers %}" + parts + "{% endfor %}"
            )

        html = Environment(autoescape=True, undefined=StrictUndefined)
        text = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        text.filters["wrapped"] = wrapped
        self._html = html.from_string(with_papers("digest/body.mjml", "html"))
        self._text = text.from_string(with_papers("digest/body.txt", "txt"))
        self._key = key

    def __call__(self, job: Job) -> bytes:
        opening = opening_of(job.digest)
        papers = [
            (card_of(e.paper, snippet=DETAILS[0].snippet), e.why) for e in entries_of(job.digest, job.links)
        ]
        footer = footer_of(job.digest.profile, job.links, postal_address=samples.SENDER.postal_address)
        subject = f"{opening.titles[0]} and {opening.more} more"
        values = opening._asdict() | {
            "papers": papers,
            "footer": footer,
            "subject": subject,
            "name": "Paper Digest",
            "day": long_date(job.digest.issue.on),
        }
        html = mjml2html(self._html.render(values), fonts={})
        message = EmailMessage(policy=policy.SMTP)
        message["Date"] = format_datetime(samples.ISSUE.due_at)
        message["From"] = "Paper Digest <papers@digest.example.org>"
        message["To"] = job.digest.subscriber
        message["Message-ID"] = _message_id(job)
        message["Subject"] = subject
        message["List-Unsubscribe"] = f"<{job.links.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self._text.render(values))
        message.add_alternative(html, subtype="html")
        raw = message.as_bytes()
        if self._key is None:
            return raw
        signature: bytes = dkim.sign(
            raw, b"mail", DOMAIN.encode(), self._key, canonicalize=(b"relaxed", b"simple")
        )
        return signature + raw


def measure(make: Callable[[Job], bytes], work: list[Job]) -> float:
    """Seconds of processor time for one mail."""
    gc.collect()
    gc.freeze()
    start = time.process_time()
    for job in work:
        make(job)
    return (time.process_time() - start) / len(work)


def ways() -> Iterator[tuple[str, Callable[[Job], bytes], int]]:
    """Name, way, and one in how many of the mails it is asked for."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    rsa_key, ed_key = Key("mail", DOMAIN, key), Key("mail-ed", DOMAIN, ed25519.Ed25519PrivateKey.generate())
    yield "usual way, signed (RSA-2048)", Usual(pem), 20
    yield "usual way, unsigned", Usual(None), 20
    yield "ours, signed (RSA-2048)", ours(Signer([rsa_key])), 1
    yield "ours, signed (Ed25519)", ours(Signer([ed_key])), 1
    yield "ours, signed twice", ours(Signer([rsa_key, ed_key])), 1
    yield "ours, unsigned", ours(None), 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--papers", type=int, default=10)
    options = parser.parse_args()
    work = jobs(options.mails, options.papers)
    all_ways = list(ways())
    best = {name: float("inf") for name, _, _ in all_ways}
    for name, make, _ in all_ways:
        print(f"{name:32} {len(make(work[0])):7,} bytes")
    for _ in range(options.rounds):
        for name, make, part in all_ways:
            best[name] = min(best[name], measure(make, work[: max(len(work) // part, 1)]))
    slowest = best[all_ways[0][0]]
    for name, seconds in best.items():
        print(f"{name:32} {1 / seconds:9,.0f}/s {seconds * 1e6:9,.0f} µs {slowest / seconds:7.1f}x")


if __name__ == "__main__":
    main()
