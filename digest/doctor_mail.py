"""`digest doctor mail`: would a digest from here be trusted, and can it be read? Nothing is sent.

A whole message is written as it would leave, and held against the rules; then the sender's domain is looked up, and the
mail server is knocked at on the ports that mail programs use.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from digest.doctor import LOOK_AT_A_MAIL, SIGNED_ELSEWHERE, Finding, Lookup
from digest.errors import DigestError
from digest.letters import Letters
from digest.mail import samples
from digest.mail.dialogue import Dialogue
from digest.mail.dkim import Key
from digest.mail.lint import lint
from digest.mail.themes import LEAST_CONTRAST, Theme, contrast
from digest.settings import Settings
from digest.store.people import Subscriber

_SPF_LOOKUPS = 10  # RFC 7208, 4.6.4
_PAIRS = (("ink", "page"), ("body", "page"), ("soft", "page"), ("accent", "page"), ("chip_ink", "chip"))
_KNOCKS = (("tls", 465), ("starttls", 587))


def sample_mail(letters: Letters, *, now: datetime) -> bytes:
    """A digest of invented papers, as this home would send it to somebody who subscribed on its pages."""
    profile = samples.PROFILE
    reader = Subscriber(0, profile.email, "active", None, "web", None, profile, None, now, now, "")
    return letters.write(samples.DIGEST, reader, now=now).raw


def examine_message(raw: bytes) -> Iterator[Finding]:
    """A message as it would leave, rule by rule."""
    for check in lint(raw):
        yield Finding(check.name, check.verdict, check.said, check.remedy)


def examine_theme(theme: Theme) -> Finding:
    """The least readable text of a theme, by day or night (WCAG 2.2, 1.4.3)."""
    ratio, where = min(
        (contrast(getattr(palette, ink), getattr(palette, ground)), f"{ink} on {ground} by {when}")
        for when, palette in (("day", theme.light), ("night", theme.dark))
        for ink, ground in _PAIRS
    )
    said = f"at least {ratio:.1f} to 1 ({where})"
    if ratio < LEAST_CONTRAST:
        return Finding(
            "contrast",
            "fail",
            said,
            "set other colours in [look] of config/digest.toml, or remove those that are set",
        )
    return Finding("contrast", "ok", said)


def examine_domain(settings: Settings, keys: Sequence[Key], lookup: Lookup | None) -> Iterator[Finding]:
    """SPF, DKIM and DMARC of the sender's domain, and whether they speak of the same domain."""
    domain = settings.file.sender.address.rpartition("@")[2].lower()
    if lookup is None:
        yield Finding("DNS", "unchecked", "DNS cannot be asked", "pip install dnspython")
        return
    try:
        yield _spf(domain, lookup)
        if not keys:
            yield Finding("DKIM", "unchecked", SIGNED_ELSEWHERE, LOOK_AT_A_MAIL)
        for key in keys:
            yield _dkim(key, lookup)
        yield _dmarc(domain, keys, lookup)
    except OSError as error:
        yield Finding(
            "DNS",
            "unchecked",
            f"it does not answer: {error}",
            "when the network is there: digest doctor mail",
        )


def _spf(domain: str, lookup: Lookup) -> Finding:
    found = [record for record in lookup(domain) if record.lower().startswith("v=spf1")]
    if not found:
        remedy = f"add a TXT record to {domain}: v=spf1 include:NAME ~all; your mail service says which NAME"
        return Finding("SPF", "fail", f"{domain} has no SPF record", remedy)
    if len(found) > 1:
        said = f"{domain} has {len(found)} SPF records; receivers heed none"
        return Finding(
            "SPF", "fail", said, "make one TXT record of them, with everything they include: v=spf1 ... ~all"
        )
    lookups = _spf_lookups(found[0], lookup, {domain})
    if lookups > _SPF_LOOKUPS:
        said = f"needs {lookups} look-ups; after {_SPF_LOOKUPS} it counts as broken"
        return Finding(
            "SPF", "fail", said, f"take services you no longer send with out of the TXT record of {domain}"
        )
    if re.search(r"[+]all\b|\sall\b", found[0], re.IGNORECASE):
        return Finding(
            "SPF", "fail", "it allows everybody (+all)", f"let the TXT record of {domain} end with ~all"
        )
    return Finding("SPF", "ok", f"{found[0][:80]} ({lookups} look-ups)")


def _spf_lookups(record: str, lookup: Lookup, seen: set[str]) -> int:
    count = 0
    for term in record.lower().split()[1:]:
        name, _, value = term.lstrip("+-~?").partition("=" if term.startswith("redirect=") else ":")
        if name.partition("/")[0] in ("a", "mx", "ptr", "exists", "include", "redirect"):
            count += 1
        if name in ("include", "redirect") and value not in seen and len(seen) < 2 * _SPF_LOOKUPS:
            seen.add(value)
            inner = next((one for one in lookup(value) if one.lower().startswith("v=spf1")), "")
            count += _spf_lookups(inner, lookup, seen)
    return count


def _dkim(key: Key, lookup: Lookup) -> Finding:
    place = f"{key.selector}._domainkey.{key.domain}"
    records = [_tags(record) for record in lookup(place)]
    if not records:
        return Finding("DKIM", "fail", f"{place} is not there", f"add this TXT record there: {key.record}")
    if not any(tags.get("p") == _tags(key.record)["p"] for tags in records):
        is_revoked = all(tags.get("p") == "" for tags in records)  # RFC 6376, 3.6.1
        said = (
            "revokes its key (p= is empty)"
            if is_revoked
            else "holds another key than the one that signs here"
        )
        return Finding("DKIM", "fail", f"{place} {said}", f"replace the TXT record there by: {key.record}")
    return Finding("DKIM", "ok", f"{place} holds the key that signs here ({key.algorithm})")


def _dmarc(domain: str, keys: Sequence[Key], lookup: Lookup) -> Finding:
    records = [
        tags for tags in map(_tags, lookup(f"_dmarc.{domain}")) if tags.get("v", "").upper() == "DMARC1"
    ]
    if not records:
        remedy = f"add a TXT record to _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:YOUR-ADDRESS"
        return Finding("DMARC", "fail", f"_dmarc.{domain} is not there; large services ask for it", remedy)
    if len(records) > 1:  # RFC 7489, 6.6.3
        said = f"_dmarc.{domain} has {len(records)} DMARC records; receivers heed none"
        return Finding("DMARC", "fail", said, f"remove all but one of these TXT records of _dmarc.{domain}")
    policy = records[0].get("p", "none")
    strange = [key.domain for key in keys if not (domain == key.domain or domain.endswith(f".{key.domain}"))]
    if strange:
        said = f"the signature is {strange[0]}'s, the sender {domain}'s: they are not aligned"
        return Finding("DMARC", "fail", said, f'set domain = "{domain}" in [dkim] of config/digest.toml')
    if policy == "none":
        return Finding(
            "DMARC",
            "warn",
            "p=none: only watching",
            f"when its reports look right: p=quarantine in the TXT record of _dmarc.{domain}",
        )
    return Finding("DMARC", "ok", f"p={policy}")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip(): re.sub(r"\s", "", value) for name, _, value in pairs if name.strip()}


def knock(settings: Settings) -> Iterator[Finding]:
    """Which of the usual ports the mail server answers at, and whether its certificate is good. No password is sent."""
    smtp = settings.file.smtp
    if settings.file.delivery.transport != "smtp":
        return
    for security, port in _KNOCKS:
        asked = smtp.model_copy(update={"port": port, "security": security, "username": None, "timeout": 8.0})
        name = f"port {port} ({security})"
        is_ours = (smtp.port, smtp.security) == (port, security)
        try:
            Dialogue.open(asked, None).close(politely=True)
        except DigestError as error:
            remedy = "mend [smtp] in config/digest.toml, then: digest doctor mail" if is_ours else ""
            said = str(error) if is_ours else str(error).partition("; ")[0]  # that port is nowhere set
            yield Finding(name, "fail" if is_ours else "unchecked", said, remedy)
        else:
            better = smtp.security == "none"
            remedy = (
                f'set security = "{security}" and port = {port} in [smtp] of config/digest.toml'
                if better
                else ""
            )
            yield Finding(name, "warn" if better else "ok", f"{smtp.host} answers, certificate good", remedy)
