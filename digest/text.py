"""Text from strangers, made safe to store, to score and to show."""

import re
import unicodedata

# C0 and C1 controls except white space; line and paragraph separators become blanks with the rest of the white space.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
# Bidirectional overrides, embeddings and isolates (UAX 9), zero-width characters but the joiner of emoji, soft hyphen, BOM.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
_SPACES = re.compile(r"\s+")
_MARKS = re.compile(
    "([\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{4})[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_NOT_A_WORD = re.compile(r"[\W_]+")


def clean_text(text: str, *, limit: int | None = None) -> str:
    """One line of visible text: NFC, no controls, no direction overrides, white space collapsed, at most `limit` characters.

    Lone surrogates become U+FFFD, since neither SQLite nor a mail can carry them; more than four combining marks on one
    letter are cut. A cut text ends at a word and with an ellipsis.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", _CONTROLS.sub("", text)))
    text = _SPACES.sub(" ", _MARKS.sub(r"\1", text)).strip()
    return text if limit is None or len(text) <= limit else shorten(text, limit)


def shorten(text: str, limit: int) -> str:
    """`text` cut at the last word that fits in `limit` characters, ending in an ellipsis; unchanged if it fits."""
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 1)]
    at_word = cut.rsplit(" ", 1)[0].rstrip(" ,;:.-–—(") if " " in cut[limit // 2 :] else cut
    return f"{at_word}…"


def title_key(title: str) -> str:
    """What two spellings of one title share: lower-case letters and digits only, accents and LaTeX markup dropped.

    `H$_2$O` and `H_2O` give the same key, and so do `HyperZ$\\cdot$Z` and `HyperZcdotZ`: a page that strips the dollar
    signs and backslashes leaves the command's name behind, so it stays in the key. A title of signs only is its own key.
    """
    plain = unicodedata.normalize("NFKD", title).casefold()
    return _NOT_A_WORD.sub("", "".join(c for c in plain if not unicodedata.combining(c))) or title.strip()
