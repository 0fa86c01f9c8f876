"""Whole mails per second and core, against the ways mails are usually made, in one run.

    python -m tests.benchmarks.mail_speed [--mails 2000] [--rounds 5] [--papers 10]

The usual way writes MJML with a section and a button for each paper, as MJML's own guides do, renders it with Jinja and
compiles it for each mail, makes the plain text from the HTML, builds an `EmailMessage` and signs with dkimpy. The sparing
way does the same with our own templates, lean HTML inside one MJML section and a text template beside it: what is left
between it and ours is neither layout nor text. All ways write the same papers, reasons and links.

Figures are processor time of one process, the best of all rounds; the ways take turns, so that what else the machine does
hits all. Ratios are what to trust. A signature of RSA-2048 alone takes what the last line says: no way can be faster.
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
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jinja2 import Environment, StrictUndefined
from mjml import mjml2html

from digest.mail import samples
from digest.mail.cards import DETAILS
from digest.mail.dkim import Key, Signer
from digest.mail.footer import footer_of
from digest.mail.links import Links, mute_url, vote_urls
from digest.mail.message import Recipient, Sign, message_id_for, write_message
from digest.mail.render import Renderer
from digest.mail.templates import CHIPS, PAPERS, TemplateFolder
from digest.mail.themes import THEMES
from digest.mail.view import Entry, card_of, entries_of, opening_of, why_of
from digest.mail.wording import long_date
from digest.mail.wrapping import wrapped
from digest.model import Digest, Envelope, Paper, Pick, Reason, ReasonKind, Score, Section
from digest.shipped import shipped

dkim = importlib.import_module("dkim")  # dkimpy has no types
inscriptis = importlib.import_module("inscriptis")  # nor has inscriptis
DOMAIN = "digest.example.org"
REASONS = {"html": "chip.html", "txt": "reasons.txt"}
ALL_CHIPS = {
    "html": "{{% for chip in why.chips %}}{}{{% endfor %}}",
    "txt": "{{% set reasons = 'Why: ' ~ why.chips|join('; ') %}}{}",
}
IDIOMATIC = """<mjml lang="en"><mj-head><mj-title>{{ subject }}</mj-title><mj-preview>{{ preheader }}</mj-preview>
<mj-attributes><mj-all font-family="Georgia, serif" color="#1d1a16" /><mj-button background-color="#8a3b12" color="#ffffff" /></mj-attributes>
</mj-head><mj-body background-color="#f4f1ea">
<mj-section background-color="#ffffff"><mj-column><mj-text font-size="22px">{{ name }}</mj-text><mj-text>{{ day }}</mj-text>
<mj-text font-size="18px">{{ scale }}</mj-text></mj-column></mj-section>
{% for card, why, feedback in papers %}
<mj-section background-color="#ffffff" padding="12px 0px"><mj-column><mj-text font-size="19px">
<h2><a href="{{ card.url }}">{{ card.title }}</a></h2></mj-text>
<mj-text font-size="13px" color="#6d665b">{{ card.facts|join(" · ") }}</mj-text><mj-text>{{ card.snippet }}</mj-text>
<mj-text font-size="12px">{% for chip in why.chips %}<span style="background:#efe9dd">{{ chip }}</span> {% endfor %}{{ why.votes }}</mj-text>
<mj-button href="{{ feedback.more_url }}">More like this</mj-button><mj-button href="{{ feedback.less_url }}">Less like this</mj-button>
<mj-button href="{{ feedback.mute_url }}">Mute {{ feedback.term }}</mj-button></mj-column></mj-section>
<mj-section padding="0px"><mj-column><mj-divider border-width="1px" border-color="#e3ddd1" /></mj-column></mj-section>
{% endfor %}
<mj-section><mj-column><mj-text font-size="12px">{{ why }} {{ address }}</mj-text>
{% for line in footer %}<mj-text font-size="12px">{% for span in line %}{% if span.url %}<a href="{{ span.url }}">{{ span.text }}</a>
{% else %}{{ span.text }}{% endif %} {% endfor %}</mj-text>{% endfor %}</mj-column></mj-section></mj-body></mjml>
"""


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
    return Links(
        f"https://{DOMAIN}/u/{token}",
        "leave@digest.example.org",
        f"https://{DOMAIN}/p/{token}",
        f"https://{DOMAIN}/w/{token}/2026-03-05",
        feedback_url=f"https://{DOMAIN}/f/{token}",
    )


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


def _opened(job: Job) -> dict[str, Any]:
    """What the templates of the other ways are filled with."""
    opening, footer = (
        opening_of(job.digest),
        footer_of(job.digest.profile, job.links, postal_address=samples.SENDER.postal_address),
    )
    base = job.links.feedback_url or ""
    papers = [
        (card_of(e.paper, snippet=DETAILS[0].snippet), why_of(e), _feedback_of(e, base))
        for e in entries_of(job.digest)
    ]
    return {
        **opening._asdict(),
        **footer._asdict(),
        "papers": papers,
        "subject": f"{opening.titles[0]} and {opening.more} more",
        "name": "Paper Digest",
        "day": long_date(job.digest.issue.on),
    }


def _feedback_of(entry: Entry, base: str) -> dict[str, str]:
    more, less = vote_urls(base, entry.paper.id)
    return {"more_url": more, "less_url": less, "term": entry.term, "mute_url": mute_url(base, entry.term)}


def _mailed(job: Job, subject: str, html: str, text: str, key: bytes | None) -> bytes:
    """The message, by the standard library and dkimpy."""
    message = EmailMessage(policy=policy.SMTP)
    message["Date"] = format_datetime(samples.ISSUE.due_at)
    message["From"] = "Paper Digest <papers@digest.example.org>"
    message["To"] = job.digest.subscriber
    message["Message-ID"] = _message_id(job)
    message["Subject"] = subject
    message["List-Unsubscribe"] = f"<{job.links.unsubscribe_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    raw = message.as_bytes()
    if key is None:
        return raw
    signature: bytes = dkim.sign(raw, b"mail", DOMAIN.encode(), key, canonicalize=(b"relaxed", b"simple"))
    return signature + raw


def usual(key: bytes | None) -> Callable[[Job], bytes]:
    """The usual way: everything anew for each mail, with the libraries one finds first."""
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(IDIOMATIC)

    def make(job: Job) -> bytes:
        values = _opened(job)
        html = mjml2html(template.render(values), fonts={})
        return _mailed(job, values["subject"], html, inscriptis.get_text(html), key)

    return make


def sparing(key: bytes | None) -> Callable[[Job], bytes]:
    """The usual libraries, fed with our own templates."""
    folder = TemplateFolder([shipped("templates")], THEMES["paper"])

    def with_papers(body: str, suffix: str) -> str:
        names = ("card", "why", "feedback", "mute")
        parts = "".join(folder.source(f"digest/{name}.{suffix}") for name in names)
        parts = parts.replace(CHIPS, ALL_CHIPS[suffix].format(folder.source(f"digest/{REASONS[suffix]}")))
        values = "{% set votes, has_chips, is_last, has_term = why.votes, why.chips, false, feedback.term %}"
        values += "{% set term, more_url = feedback.term, feedback.more_url %}"
        values += "{% set less_url, mute_url = feedback.less_url, feedback.mute_url %}"
        loop = "{% for card, why, feedback in papers %}" + values + parts + "{% endfor %}"
        # The footer's reason is called like a paper's.
        return folder.source(body).replace("{{ why", "{{ reason").replace(PAPERS, loop)

    html = Environment(autoescape=True, undefined=StrictUndefined)
    text = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text.filters["wrapped"] = wrapped
    in_html = html.from_string(with_papers("digest/body.mjml", "html"))
    in_text = text.from_string(with_papers("digest/body.txt", "txt"))

    def make(job: Job) -> bytes:
        values = _opened(job)
        values["reason"] = values["why"]
        html = mjml2html(in_html.render(values), fonts={})
        return _mailed(job, values["subject"], html, in_text.render(values), key)

    return make


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
    yield "usual, signed (RSA-2048)", usual(pem), 20
    yield "usual, unsigned", usual(None), 20
    yield "sparing, signed (RSA-2048)", sparing(pem), 20
    yield "sparing, unsigned", sparing(None), 20
    yield "ours, signed (RSA-2048)", ours(Signer([rsa_key])), 1
    yield "ours, signed (Ed25519)", ours(Signer([ed_key])), 1
    yield "ours, signed twice", ours(Signer([rsa_key, ed_key])), 1
    yield "ours, unsigned", ours(None), 1
    yield "RSA-2048 alone", lambda _: rsa_key.sign(b"x" * 1000), 2


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
    sizes = {name: len(make(work[0])) for name, make, _ in all_ways}
    for _ in range(options.rounds):
        for name, make, part in all_ways:
            best[name] = min(best[name], measure(make, work[: max(len(work) // part, 1)]))
    usually, sparingly = best["usual, signed (RSA-2048)"], best["sparing, signed (RSA-2048)"]
    print(f"{'':28} {'bytes':>8} {'mails/s':>9} {'µs':>8} {'x usual':>8} {'x sparing':>10}")
    for name, seconds in best.items():
        ratios = f"{usually / seconds:8.1f} {sparingly / seconds:10.1f}"
        print(f"{name:28} {sizes[name]:8,} {1 / seconds:9,.0f} {seconds * 1e6:8,.0f} {ratios}")


if __name__ == "__main__":
    main()
