"""How often a mail may be asked for: nobody uses our form to fill somebody else's mailbox.

The limits are here, not in the form, so that no other way in goes round them. They count mails that left because
somebody asked; what is kept of the asking are keyed hashes, for a month.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from sqlalchemy import Connection

from digest.store import Store
from digest.store.front import add_ask, count_asks, forget_asks, forget_requests
from digest.subscriptions.office import Office

_DAY, _MONTH, _HOUR = timedelta(days=1), timedelta(days=30), timedelta(hours=1)
_PER_NETWORK, _PER_WIDE_NETWORK = 5, 30  # mails an hour
_DOMAIN_SHARE = 4  # one domain gets at most this part of what everybody gets
# Mails of a kind that one address gets in a day and in a month.
_PER_ADDRESS = {"confirm": (1, 3), "link": (3, 20), "address": (1, 3), "help": (3, 20)}
_DOTS_DO_NOT_COUNT = {"gmail.com", "googlemail.com"}


class Verdict(StrEnum):
    """What becomes of an ask."""

    MAIL = "mail"
    ENOUGH = "enough"  # this address was mailed; nobody but its owner may notice
    BUSY = "busy"  # too many from this network, for this domain, or at all: says nothing of any address


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody asks for a mail to an address."""

    kind: str  # confirm | link | address | help
    email: str
    network: str | None = None


def weigh(tx: Connection, office: Office, ask: Ask, *, now: datetime) -> Verdict:
    """Whether the mail may be sent; counted when it may."""
    hashes = _hashes(office, ask)
    verdict = _verdict(tx, office, ask, hashes, now)
    if verdict is not Verdict.BUSY:
        add_ask(tx, ask.kind, hashes, mailed=verdict is Verdict.MAIL, now=now)
    return verdict


def forget_asked(store: Store, *, now: datetime) -> None:
    """Forget who asked a month ago, requests that have ended, and people who never confirmed."""
    with store.writing() as tx:
        forget_asks(tx, now - _MONTH)
        forget_requests(tx, now)
    store.empty_log()


def _verdict(
    tx: Connection, office: Office, ask: Ask, hashes: dict[str, str | None], now: datetime
) -> Verdict:
    a_day = office.confirmations_per_day
    limits = [
        ("network_hash", _HOUR, _PER_NETWORK),
        ("wide_network_hash", _HOUR, _PER_WIDE_NETWORK),
        ("domain_hash", _DAY, max(a_day // _DOMAIN_SHARE, 1)),
    ]
    full = [
        count_asks(tx, now - span, **{name: hashes[name]}) >= most
        for name, span, most in limits
        if hashes[name] is not None
    ]
    if any(full) or count_asks(tx, now - _DAY) >= a_day:
        return Verdict.BUSY
    per_day, per_month = _PER_ADDRESS[ask.kind]
    mine = {"kind": ask.kind, "address_hash": hashes["address_hash"]}
    counts = (count_asks(tx, now - _DAY, **mine), count_asks(tx, now - _MONTH, **mine))
    return Verdict.ENOUGH if counts[0] >= per_day or counts[1] >= per_month else Verdict.MAIL


def _hashes(office: Office, ask: Ask) -> dict[str, str | None]:
    domain = ask.email.rpartition("@")[2].lower()
    return {
        "address_hash": office.address_hash(f"asked|{folded(ask.email)}"),
        "domain_hash": office.address_hash(f"domain|{domain}"),
        "network_hash": office.address_hash(f"network|{ask.network}") if ask.network else None,
        "wide_network_hash": _wide(office, ask.network),
    }


def _wide(office: Office, network: str | None) -> str | None:
    """The neighbourhood: /24 of an IPv4 address, /48 of an IPv6 network."""
    if not network:
        return None
    try:
        address = ip_address(network.partition("/")[0])
    except ValueError:
        return None
    wide = ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False)
    return office.address_hash(f"network|{wide}")


def folded(email: str) -> str:
    """One name for the spellings of one mailbox: what stands after a plus, and dots where they do not count."""
    local, _, domain = email.lower().rpartition("@")
    local = local.partition("+")[0]
    return f"{local.replace('.', '') if domain in _DOTS_DO_NOT_COUNT else local}@{domain}"
