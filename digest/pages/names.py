"""Names of people, as pages put them together."""

import re
from collections.abc import Sequence

# "Powell, W., Yan, N." as bioRxiv writes it, and "van der Berg, J. P.; Smith, A.".
_PAIRS = re.compile(r"\s*([^,;]{1,80}),\s*((?:[^\W\d_]\.?[ -]?){1,5})\s*(?:[,;]|$)")
_AND = re.compile(r"\s*(?:;|,\s*(?:and\s+)?|\s+and\s+|&)\s*")
_EMAIL = re.compile(r"\S{1,100}@\S{1,200} ?\(([^()]{1,200})\)|<?\S{1,100}@\S{1,200}>?")


def people(names: Sequence[str]) -> tuple[str, ...]:
    """Names one each, whether they came so or joined in one text."""
    cleaned = [_EMAIL.sub(r"\1", " ".join(name[:100_000].split())).strip(" ,;") for name in names]
    cleaned = [name for name in cleaned if name]
    if len(cleaned) == 1:
        return split_names(cleaned[0])
    return tuple(map(in_order, cleaned))


def split_names(text: str) -> tuple[str, ...]:
    """The names of a text like "A. One, B. Two and C. Three", or "One, A., Two, B."."""
    pairs = _PAIRS.findall(text)
    if pairs and sum(len(surname) + len(initials) for surname, initials in pairs) > 0.6 * len(text):
        return tuple(f"{initials.strip()} {surname.strip()}" for surname, initials in pairs)
    if ";" in text:
        return tuple(in_order(part.strip()) for part in text.split(";") if part.strip())
    if text.count(",") == 1 and " " not in text.partition(",")[0] and " and " not in text:
        return (in_order(text),)
    return tuple(part for part in (part.strip() for part in _AND.split(text)) if part)


def in_order(name: str) -> str:
    """ "Doe, Jane" as "Jane Doe"; any other name as it is."""
    surname, comma, given = name.partition(",")
    given = given.strip()
    known_suffix = given.rstrip(".").lower() in ("jr", "sr", "ii", "iii", "iv", "phd", "md")
    return f"{given} {surname.strip()}" if comma and given and "," not in given and not known_suffix else name
