"""Which parser knows a page, and what to say when none does. Names and media types are only hints."""

from dataclasses import replace
from itertools import islice

from digest.model import Page, ParsedPage
from digest.pages import (
    arxiv_html,
    arxiv_mail,
    citation_html,
    feed,
    huggingface_html,
    huggingface_json,
    huggingface_markdown,
    huggingface_text,
    json_text,
    message,
    records,
    references,
    xml_text,
)
from digest.pages.archive import Unreadable, is_archive, unpacked
from digest.pages.document import LARGEST_PAGE, Document, Reader, decode, is_binary
from digest.pages.outcome import broken, unrecognised

_API = "the answer of https://huggingface.co/api/daily_papers"
_MAGIC = (
    (b"%PDF-", "a PDF file; save the page as HTML or as text instead"),
    (b"\x89PNG", "a picture; save the page as HTML or as text instead"),
    (b"\xff\xd8\xff", "a picture; save the page as HTML or as text instead"),
    (b"GIF8", "a picture; save the page as HTML or as text instead"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
)
_CHALLENGES = (
    "Just a moment...",
    "Enable JavaScript and cookies to continue",
    "Checking your browser before accessing",
    "Verify you are human",
    "awsWafCookieDomainList",
    "Attention Required! | Cloudflare",
)


def read(page: Page) -> ParsedPage:
    """What a page says, by the first reader that knows its format. An archive is read where it holds a single page."""
    if len(page.body) > LARGEST_PAGE:
        megabytes = len(page.body) >> 20
        return unrecognised(
            f"It has {megabytes} MB, the limit is {LARGEST_PAGE >> 20} MB; split it into days."
        )
    if not page.body.strip(b"\0 \t\r\n"):
        return unrecognised("It is empty: save the page again.")
    if is_archive(page.body):
        return _read_archive(page)
    for magic, what in _MAGIC:
        if page.body.startswith(magic):
            return unrecognised(f"It is {what}.")
    if message.looks_like_a_message(page.body):
        return _read_message(page)
    return _read_text(page)


def _read_archive(page: Page) -> ParsedPage:
    members = list(islice(unpacked(page), 2))
    if len(members) == 2:
        return unrecognised(
            "It is an archive of several pages: read it as a file or from a folder, which unpacks it."
        )
    [member] = members or [Unreadable(page.name, "It is an archive without any file.")]
    if isinstance(member, Unreadable):
        return unrecognised(member.reason)
    return unrecognised("It is an archive inside an archive.") if is_archive(member.body) else read(member)


def _read_message(page: Page) -> ParsedPage:
    """The papers of the document inside a mail that has most of them: mails say the same in text and in HTML."""
    documents = [replace(page, body=body, media_type=kind) for kind, body in message.documents_in(page.body)]
    found = [_read_text(document) for document in documents if document.body.strip()]
    best = max(found, key=lambda parsed: (len(parsed.papers), parsed.format is not None), default=None)
    if best is None or best.format is None:
        return unrecognised("It is a mail, but nothing in it is a page known here.")
    return best


def _read_text(page: Page) -> ParsedPage:
    text = decode(page.body)
    if is_binary(text):
        return unrecognised("It is not text; save the page as HTML, JSON or plain text.")
    challenge = next((sign for sign in _CHALLENGES if sign in text[:100_000]), None)
    document, damage = _understood(text, page)
    if damage and huggingface_json.resembles(text):
        return broken(huggingface_json.FORMAT, f"The JSON is damaged or cut: {damage}. Fetch the page again.")
    reader = next((reader for reader in _READERS if reader.recognises(document)), None)
    parsed = reader.read(document) if reader else unrecognised(_unknown(document, damage))
    return _challenged(challenge) if challenge and not parsed.papers else parsed


def _understood(text: str, page: Page) -> tuple[Document, str | None]:
    """The document, with its meaning where it is JSON or XML; and what is wrong where it only begins like these."""
    try:
        if json_text.looks_like_json(text):
            return Document(text, page, value=json_text.load(text)), None
        if xml_text.looks_like_xml(text):
            tree, damaged = xml_text.load(text)
            return Document(text, page, tree=tree, damaged=damaged), None
    except (json_text.NotJsonError, xml_text.NotXmlError) as error:
        return Document(text, page), str(error)  # Markdown begins like JSON, too
    return Document(text, page), None


_READERS: tuple[Reader, ...] = (
    huggingface_json,
    records,
    feed,
    huggingface_html,
    arxiv_html,
    arxiv_mail,
    huggingface_markdown,
    huggingface_text,
    citation_html,
    references,
)


def _challenged(sign: str) -> ParsedPage:
    return broken(
        "challenge",
        f"The site answered with a check for browsers (“{sign}”) instead of the page: open it in a browser and save it, "
        f"or use {_API} instead.",
    )


def _unknown(document: Document, damage: str | None) -> str:
    if damage is not None:
        return f"It begins like JSON or XML, but {damage}, and it is no other page known here."
    if document.value is not None:
        return f"It is JSON, but of no form known here: expected {_API}, or a list of records with titles."
    if document.tree is not None:
        return "It is XML, but no feed: expected RSS or Atom."
    return (
        "It is text, but no paper page known here: expected a Daily Papers page, one of arXiv's pages or mails, a feed, "
        "a reference list, or a page that links to papers by their titles."
    )
