"""Refusals for who we are: the receiver could not make sure of us (RFC 7372), and what to look at in DNS. Pure.

Such a refusal is no reader's fault and no message's. Many servers say it with a status of their own or in words only, so
the words count too, where no status says that it is about something else.
"""

import re

_SEE = "`digest doctor mail` shows what stands there and what should"
_DKIM = f"our DKIM signature did not hold; the key in DNS must be the one that signs: {_SEE}"
_ALIGNED = f"the DKIM signature must be of the domain we send as, [dkim] domain and [sender] address: {_SEE}"
_SPF = f"the SPF record of our domain does not name the server that sends; add it in DNS: {_SEE}"
_DMARC = f"neither SPF nor DKIM speaks for the domain of [sender] address, as its DMARC record asks: {_SEE}"
_ALL = f"SPF, DKIM and DMARC of our domain do not hold; mend them in DNS: {_SEE}"
_NAMELESS = (
    "the address we send from has no name in DNS that leads back to it (PTR);"
    " ask whoever gave this machine its address to set one, or send through a mail service"
)
_NO_DOMAIN = f"the domain of [sender] address is not in DNS, or says that it has no mail: {_SEE}"

_BY_STATUS = {  # RFC 3463, 7372 and 7505; the last two are Microsoft's
    "1.7": _NO_DOMAIN,
    "1.8": _NO_DOMAIN,
    "7.20": _DKIM,
    "7.21": _DKIM,
    "7.22": _ALIGNED,
    "7.23": _SPF,
    "7.24": _SPF,
    "7.25": _NAMELESS,
    "7.26": _ALL,
    "7.509": _DMARC,
    "7.515": _ALL,
}
_BY_WORD = {"dkim": _DKIM, "spf": _SPF, "dmarc": _DMARC}
_WORD = re.compile(r"\b(dkim|spf|dmarc)\b(?!\W*(?:pass|ok)\w*\b)", re.IGNORECASE)  # "spf=pass" is praise
_NO_NAME = re.compile(r"cannot find your (?:reverse )?hostname|reverse dns|\bPTR\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*[@/]\S*")  # addresses of mail and of the web: their words say nothing


def remedy_for(status: str | None, words: str) -> str | None:
    """What the operator must mend when these are the enhanced status and the words of a refusal; None when not that."""
    about = (status or "").partition(".")[2]
    if about and not about.startswith(
        ("0.", "7.")
    ):  # undefined, or policy; the others say what they are about
        return _BY_STATUS.get(about)
    words = _ADDRESS.sub(" ", words)
    named = {found.lower() for found in _WORD.findall(words)}
    if about in _BY_STATUS and not (about == "7.26" and len(named) == 1):
        return _BY_STATUS[about]
    if _NO_NAME.search(words):
        return _NAMELESS
    return _BY_WORD[named.pop()] if len(named) == 1 else _ALL if named else None
