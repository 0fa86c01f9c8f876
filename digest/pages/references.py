"""Reference lists: BibTeX, RIS, and the MEDLINE form PubMed saves."""

import re
from collections.abc import Iterator
from datetime import date

from digest.model import ParsedPage, Rejected
from digest.pages.arxiv_subjects import subjects
from digest.pages.dates import day_of, feed_day, printed_date
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.names import in_order
from digest.pages.outcome import listed

BIBTEX, RIS = "bibtex", "ris"
_ENTRY = re.compile(r"@(?P<kind>[A-Za-z]{2,40})\s*[{(]\s*(?P<key>[^\s,{}()=]{0,300})\s*,")
_FIELD = re.compile(r"\s*,?\s*(?P<name>[A-Za-z][\w-]{0,60})\s*=\s*")
_CLOSING = re.compile(r"\s{0,1000},?\s{0,1000}[})]")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BARE = re.compile(r"[^\s,{}]{0,300}")
_TAG = re.compile(r"(?P<tag>[A-Z][A-Z0-9]{1,3}) {0,2}- ?(?P<value>.*)")
_RIS_START = re.compile(r"(?m)^(?:TY  - [A-Z]|PMID- \d)")
_MEDLINE_DAY = re.compile(r"(\d{4}) ([A-Z][a-z]{2}) (\d{1,2})")


def recognises(document: Document) -> bool:
    """Whether the text has a BibTeX entry at the beginning of a line, or a RIS or MEDLINE record."""
    text = document.text
    return _bibtex_start(text) is not None or _RIS_START.search(text) is not None


def read(document: Document) -> ParsedPage:
    """The works of the list. A list says what it says: abstracts and dates are often missing."""
    if _bibtex_start(document.text) is None:
        return listed(RIS, (_from_ris(*record) for record in _records(document.text)))
    found = (
        entry if isinstance(entry, Rejected) else _from_bibtex(*entry) for entry in _bibtex(document.text)
    )
    return listed(BIBTEX, found)


def _bibtex_start(text: str) -> re.Match[str] | None:
    return re.search(r"(?m)^[ \t]{0,20}@[A-Za-z]{2,40}\s*[{(]\s*[^\s,{}()=]{0,300}\s*,", text)


def _bibtex(text: str) -> Iterator[tuple[str, dict[str, str]] | Rejected]:
    at = 0
    while match := _ENTRY.search(text, at):
        where = f"entry {match['key'][:80]}" if match["key"] else f"character {match.start()}"
        fields: dict[str, str] = {}
        at = match.end()
        while field := _FIELD.match(text, at):
            value, at = _value(text, field.end())
            fields.setdefault(field["name"].lower(), value or "")
        if not _CLOSING.match(text, at):
            yield Rejected(where, "It never ends; the file is cut or damaged here, export it again.")
        elif match["kind"].lower() not in ("comment", "string", "preamble"):
            yield where, fields


def _value(text: str, at: int) -> tuple[str | None, int]:
    """A field's value and where it ends: in braces, in quotes or bare. None where it never ends."""
    opening = text[at : at + 1]
    if opening == "{":
        depth = 0
        for brace in _BRACE.finditer(text, at):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if depth == 0:
                return text[at + 1 : brace.start()], brace.end()
        return None, len(text)
    if opening == '"':
        end = text.find('"', at + 1)
        return (text[at + 1 : end], end + 1) if end > 0 else (None, len(text))
    bare = _BARE.match(text, at)
    return (bare[0], bare.end()) if bare else ("", at)


def _from_bibtex(where: str, fields: dict[str, str]) -> Entry:
    plain = {
        name: value.replace("{", "").replace("}", "") if name != "title" else value
        for name, value in fields.items()
    }
    eprint = plain.get("eprint", "")
    names = " ".join(plain.get("author", "").split()).split(" and ")
    return Entry(
        where,
        _unprotected(fields.get("title", "")),
        plain.get("abstract"),
        known_id=f"arXiv:{eprint}" if eprint else None,
        hints=tuple(
            plain[name] for name in ("doi", "url", "journal", "note", "howpublished") if name in plain
        ),
        url=plain.get("url"),
        authors=tuple(in_order(name.strip()) for name in names if name.strip() not in ("", "others")),
        published_on=_bibtex_day(plain),
        fields=subjects(plain.get("primaryclass", "")),
        is_tex=True,
    )


def _unprotected(title: str) -> str:
    r"""A title without the braces that only keep capitals; those of a command stay: `{BERT} \emph{is}`."""
    return re.sub(r"(?<![\\\w}^_])\{([^{}\\$]{0,300})\}", r"\1", title)


def _bibtex_day(plain: dict[str, str]) -> date | None:
    if on := feed_day(plain.get("date", "")):
        return on
    month = printed_date(f"{plain.get('month', '').strip()[:3].title()} 1")
    numbers = [plain.get(name, "") for name in ("year", "day")]
    if month is None or not all(number.isdecimal() and len(number) <= 4 for number in numbers):
        return None
    return day_of(int(numbers[0]), month.month, int(numbers[1]))


def _records(text: str) -> Iterator[tuple[int, dict[str, list[str]], bool]]:
    """Line numbers and records of tagged lines, and whether each is whole: RIS ends one with ER, MEDLINE with SO."""
    record: dict[str, list[str]] = {}
    start, tag = 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        match = _TAG.match(line)
        if match and match["tag"] in ("TY", "PMID", "ER") and record:
            yield start, record, True
            record = {}
        if match and match["tag"] != "ER":
            start = start if record else number
            tag = match["tag"]
            record.setdefault(tag, []).append(match["value"].strip())
        elif record and line.startswith("      "):
            record[tag][-1] += f" {line.strip()}"
    if record:
        yield start, record, "SO" in record


def _from_ris(line: int, record: dict[str, list[str]], is_whole: bool) -> Entry | Rejected:
    if not is_whole:
        return Rejected(f"line {line}", "It never ends; the file is cut, export it again.")

    def first(*tags: str) -> str | None:
        return next((record[tag][0] for tag in tags if record.get(tag)), None)

    names = next((record[tag] for tag in ("FAU", "AU", "A1") if tag in record), [])
    dois = [value.removesuffix("[doi]").strip() for value in record.get("AID", []) if value.endswith("[doi]")]
    medline = _MEDLINE_DAY.match(first("DP") or "")
    return Entry(
        f"line {line}",
        first("TI", "T1", "CT") or "",
        first("AB", "N2"),
        hints=tuple(value for value in (first("DO"), *dois, first("UR"), first("L1"), first("L2")) if value),
        url=first("UR", "L2"),
        authors=tuple(in_order(name) for name in names if name),
        published_on=feed_day(f"{medline[3]} {medline[2]} {medline[1]}")
        if medline
        else _ris_day(first("DA", "PY", "Y1")),
    )


def _ris_day(text: str | None) -> date | None:
    """`2024/05/01/`, or `2024-05-01`; a year alone is no day."""
    return feed_day((text or "").replace("/", "-")[:10])
