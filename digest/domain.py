"""Would receivers believe that mail is from the sender's domain? The one place that judges SPF, DKIM and DMARC.

"fail" is what makes receivers refuse or distrust mail of ours; "warn" is what they would like better. A missing DMARC
record is the latter: large services ask it only of who sends in bulk, while nobody believes a domain that names no
servers at all.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from digest.finding import Finding
from digest.mail.dkim import Key
from digest.mail.message import domain_of
from digest.mail.wording import counted

Lookup = Callable[[str], list[str]]  # the TXT records of a name; an empty list when there are none

_SPF_LOOKUPS = 10  # RFC 7208, 4.6.4
_NOBODY_HEEDS = "receivers heed none"


def ask_dns() -> Lookup | None:
    """A way to look up TXT records, when dnspython is installed. It raises `OSError` when nobody answers."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None

    def lookup(name: str) -> list[str]:
        try:
            answers = dns.resolver.resolve(name, "TXT", lifetime=5.0)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from error
        return [b"".join(answer.strings).decode("utf-8", "replace") for answer in answers]

    return lookup


def examine_domain(sender: str, keys: Sequence[Key], lookup: Lookup | None) -> Iterator[Finding]:
    """SPF, DKIM and DMARC of the domain of the `sender`'s address, and whether they speak of the same domain.

    `keys` are those mails are signed with here, none when the mail server signs. `lookup` is None where DNS cannot be
    asked.
    """
    domain = domain_of(sender)
    if domain.endswith("localhost.localdomain"):
        remedy = "set address in [sender] of config/digest.toml"
        yield Finding("DNS records", "unchecked", "the sender has no address yet", remedy)
        return
    if lookup is None:
        yield Finding("DNS records", "unchecked", "DNS cannot be asked", "pip install dnspython")
        return
    try:
        yield _spf(domain, lookup)
        if not keys:
            remedy = "digest send-test YOUR-ADDRESS, and look for dkim=pass in the headers of that mail"
            yield Finding("DKIM", "unchecked", "no key of ours: the mail server's business", remedy)
        for key in keys:
            yield _dkim(key, lookup)
        yield _dmarc(domain, keys, lookup)
    except OSError as error:
        said = f"the domain's records could not be looked up: {error}"
        yield Finding("DNS records", "unchecked", said, "try again when the network is there")


def _spf(domain: str, lookup: Lookup) -> Finding:
    """RFC 7208."""
    found = _spf_records(domain, lookup)
    if not found:
        remedy = f"add a TXT record to {domain}: v=spf1 include:NAME ~all; your mail service says which NAME"
        return Finding("SPF", "fail", f"{domain} does not say which servers may send its mail", remedy)
    if len(found) > 1:
        said = f"{domain} has {len(found)} SPF records; {_NOBODY_HEEDS}"
        remedy = "make one TXT record of them, with everything they include: v=spf1 ... ~all"
        return Finding("SPF", "fail", said, remedy)
    lookups = _spf_lookups(found[0], lookup, {domain})
    if lookups > _SPF_LOOKUPS:
        said = f"needs {lookups} look-ups; after {_SPF_LOOKUPS} it counts as broken"
        remedy = f"take services you no longer send with out of the TXT record of {domain}"
        return Finding("SPF", "fail", said, remedy)
    if re.search(r"[+]all\b|\sall\b", found[0], re.IGNORECASE):
        remedy = f"let the TXT record of {domain} end with ~all"
        return Finding("SPF", "fail", "it allows everybody (+all)", remedy)
    return Finding("SPF", "ok", f"{found[0][:80]} ({counted(lookups, 'look-up')})")


def _spf_records(domain: str, lookup: Lookup) -> list[str]:
    return [record for record in lookup(domain) if record.lower().split(" ")[0] == "v=spf1"]


def _spf_lookups(record: str, lookup: Lookup, seen: set[str]) -> int:
    count = 0
    for term in record.lower().split()[1:]:
        name, _, value = term.lstrip("+-~?").partition("=" if term.startswith("redirect=") else ":")
        if name.partition("/")[0] in ("a", "mx", "ptr", "exists", "include", "redirect"):
            count += 1
        if name in ("include", "redirect") and value not in seen and len(seen) < 2 * _SPF_LOOKUPS:
            seen.add(value)
            inner = next(iter(_spf_records(value, lookup)), "")
            count += _spf_lookups(inner, lookup, seen)
    return count


def _dkim(key: Key, lookup: Lookup) -> Finding:
    """RFC 6376, 3.6.1: `v=` may be left out of a key record; where it stands, it comes first and says DKIM1."""
    place = f"{key.selector}._domainkey.{key.domain}"
    found = lookup(place)
    records = [tags for tags in map(_tags, found) if _version(tags, "DKIM1") == "DKIM1"]
    if not records:
        said = f"{place} holds no key" if found else f"{place} is not there"
        return Finding("DKIM", "fail", said, f"add this TXT record there: {key.record}")
    if not any(tags.get("p") == _tags(key.record)["p"] for tags in records):
        is_revoked = all(tags.get("p") == "" for tags in records)
        other = "holds another key than the one that signs here"
        said = f"{place} {'revokes its key (p= is empty)' if is_revoked else other}"
        return Finding("DKIM", "fail", said, f"replace the TXT record there by: {key.record}")
    return Finding("DKIM", "ok", f"{place} holds the key that signs here ({key.algorithm})")


def _dmarc(domain: str, keys: Sequence[Key], lookup: Lookup) -> Finding:
    """RFC 7489. A domain without a record of its own is under that of the one above it (6.6.3)."""
    owner, records = _dmarc_records(domain, lookup)
    if not records:
        remedy = f"add a TXT record to _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:YOUR-ADDRESS"
        said = f"_dmarc.{domain} is not there; large services ask it of who sends much"
        return Finding("DMARC", "warn", said, remedy)
    if len(records) > 1:  # 6.6.3
        said = f"_dmarc.{owner} has {len(records)} DMARC records; {_NOBODY_HEEDS}"
        return Finding("DMARC", "fail", said, f"remove all but one of these TXT records of _dmarc.{owner}")
    [tags] = records
    strange = [key.domain for key in keys if not _is_aligned(domain, key.domain, tags.get("adkim", "r"))]
    if strange:
        said = f"the signature is {strange[0]}'s, the sender {domain}'s: they are not aligned"
        return Finding("DMARC", "fail", said, f'set domain = "{domain}" in [dkim] of config/digest.toml')
    policy = tags.get("p", "none")
    if owner != domain:
        policy = tags.get("sp", policy)
    return Finding(
        "DMARC", "ok", "p=none: receivers are asked to watch" if policy == "none" else f"p={policy}"
    )


def _dmarc_records(domain: str, lookup: Lookup) -> tuple[str, list[dict[str, str]]]:
    """The DMARC records that hold for a domain, and whose they are."""
    owner = domain
    while "." in owner:
        found = [tags for tags in map(_tags, lookup(f"_dmarc.{owner}")) if _version(tags, "") == "DMARC1"]
        if found:
            return owner, found
        owner = owner.partition(".")[2]
    return domain, []


def _is_aligned(sender: str, signer: str, mode: str) -> bool:
    """RFC 7489, 3.1.1: the same domain, or unless the domain wants it strictly ("s") one above or below the other."""
    if sender == signer or mode == "s":
        return sender == signer
    return sender.endswith(f".{signer}") or signer.endswith(f".{sender}")


def _version(tags: dict[str, str], unsaid: str) -> str:
    """What the `v=` of a record says, which must come first; `unsaid` where there is none, "" where it comes later."""
    if "v" not in tags:
        return unsaid
    return tags["v"] if next(iter(tags)) == "v" else ""


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip(): re.sub(r"\s", "", value) for name, _, value in pairs if name.strip()}
