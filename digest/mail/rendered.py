"""A mail before it has headers, and the two parties it passes between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from digest.mail.logo import Logo
from digest.mail.quoted import unquote
from digest.writing import Tokens, joined


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
    """What a mail says. Most of its words are shared with other readers; the tokens make them this reader's."""

    kind: str  # "digest", "confirm", ...: the folder of its templates
    subject: str
    html_forms: Sequence[bytes]
    text_forms: Sequence[bytes]
    issue: str = ""  # key of the Issue, where the mail belongs to one
    logo: Logo | None = None
    tokens: Tokens = field(default_factory=Tokens)

    @cached_property
    def html(self) -> str:
        """The HTML part."""
        return unquote(joined(self.html_forms, self.tokens))

    @cached_property
    def text(self) -> str:
        """The plain-text part: the same words, the same links."""
        return unquote(joined(self.text_forms, self.tokens))
