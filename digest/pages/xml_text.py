"""XML from strangers: no entities, no network, linear time."""

import re
from functools import lru_cache

from lxml import etree

from digest.pages.markup import unescape

_START = re.compile(
    r"\s*(?:<\?xml|<!--|<!DOCTYPE\s+(?!html)|<(?:rss|feed|rdf:RDF|RDF|channel)\b)", re.IGNORECASE
)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_NAMED = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;)[A-Za-z][A-Za-z0-9]{1,30};")
_DECLARATION = re.compile(r"<\?xml[^>]{0,200}\?>")


class NotXmlError(ValueError):
    """The text is no XML that may be read; the message says why."""


def looks_like_xml(text: str) -> bool:
    """Whether the text begins as XML does, and not as HTML."""
    return _START.match(text[:1000]) is not None and "<html" not in text[:2000].lower()


def load(text: str) -> tuple[etree._Element, bool]:
    """The root element, and whether the text was damaged or cut so that a part of it may be missing.

    HTML's named characters, which feeds use without declaring them, are understood. Entities a text declares itself are
    refused: nothing but an attack needs them in a feed.

    Raises:
        NotXmlError: entities are declared, or there is not even a root element.
    """
    if "<!ENTITY" in text:
        raise NotXmlError("it declares entities, which no feed needs")
    body = _NAMED.sub(_character, _NOT_XML.sub("", text))
    body = body.lstrip()
    if declaration := _DECLARATION.match(body):  # it may name an encoding, but this is text already
        body = body[declaration.end() :]
    for recover in (False, True):
        try:
            root = etree.fromstring(body.encode(), _parser(recover=recover))
        except (etree.XMLSyntaxError, ValueError):
            continue
        if root is not None:
            return root, recover
    raise NotXmlError("it is no well-formed XML")


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


@lru_cache(maxsize=1000)
def _known(reference: str) -> str:
    return unescape(reference).replace("&", "&amp;")


def _character(match: re.Match[str]) -> str:
    return _known(match[0])


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def all_text(element: etree._Element) -> str:
    """The text of an element and of everything in it."""
    return "".join(map(str, element.itertext()))
