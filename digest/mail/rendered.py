"""A mail before it has headers, and the two parties it passes between."""

from dataclasses import dataclass
from functools import cached_property

from digest.mail.logo import Logo
from digest.mail.quoted import Fragment
from digest.mail.slots import Filled


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail is from. `address` stands in the domain that DKIM and SPF speak for."""

    name: str
    address: str
    reply_to: str | None = None
    list_id: str | None = None  # "Paper Digest <digest.example.org>", or the name in the brackets alone
    postal_address: str | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a mail is for, as its To header says."""

    address: str
    name: str | None = None


@dataclass(frozen=True)
class Rendered:
    """What a mail says. The fragments are whole lines; many are shared with other readers."""

    kind: str  # "digest", "confirm", ...: the folder of its templates
    subject: str
    html_fragments: tuple[Fragment | Filled, ...]
    text_fragments: tuple[Fragment | Filled, ...]
    issue: str = ""  # key of the Issue, where the mail belongs to one
    logo: Logo | None = None

    @cached_property
    def html(self) -> str:
        """The HTML part."""
        return "".join(fragment.text for fragment in self.html_fragments)

    @cached_property
    def text(self) -> str:
        """The plain-text part: the same words, the same links."""
        return "".join(fragment.text for fragment in self.text_fragments)
