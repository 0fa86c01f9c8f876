"""The two or three sentences of an abstract that say what is new.

Abstracts open with what everybody in the field knows. The authors' own words begin where they say "we propose" or "this
paper": that is where a snippet starts. Nothing is reworded; only an opening that points back ("To this end,") is left off.
"""

import re
from collections.abc import Iterator

from digest.text import shorten

_ABBREVIATIONS = (
    "e.g",
    "i.e",
    "et al",
    "vs",
    "cf",
    "Fig",
    "Eq",
    "Sec",
    "Tab",
    "resp",
    "approx",
    "No",
    "Dr",
    "St",
)
_END = re.compile(r"[.!?][\"')\]]? +(?=[\"'(\[]?[A-Z0-9])")
_NEWS = re.compile(
    r"\b(?:we|this (?:paper|work|report|study|survey|article|position paper|technical report)|our (?:work|study|approach|method)"
    r"|here)\b[^.]{0,80}?\b(?:propos|present|introduc|develop|releas|stud(?:y|ies)\b|investigat|show|describ|design|build|built"
    r"|find\b|found\b|explor|conduct|demonstrat|report|argue|examin|analy[sz]|provid|offer|creat|construct|address|reveal"
    r"|formulat|revisit|evaluat|survey|review|extend|leverag|train|use\b|aim|ask\b|measure|let\b|give\b|store\b|order\b)",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"(?:(?:to this end|in this (?:work|paper|study|report|article|survey)|in response|motivated by this|therefore|thus|hence|here"
    r"|to (?:\w+ )?(?:address|tackle|overcome|bridge|mitigate|fill|solve|resolve|alleviate|remedy|close|meet) (?:this|these|the|such)\b[^,.]{0,60})"
    r", ){1,2}(?=we |this )",
    re.IGNORECASE,
)
# A sentence that ends in the last part of the room is a better end than a cut one.
_ENOUGH = 0.6


def snippet_of(abstract: str, limit: int) -> str:
    """At most `limit` characters of `abstract`, from the sentence that says what is new, in the authors' words.

    It ends with a sentence where one ends late enough, else at a word and with an ellipsis.
    """
    starts = [0, *_sentence_starts(abstract)]
    ends = [*starts[1:], len(abstract)]
    news = next((a for a, b in zip(starts, ends, strict=True) if _NEWS.search(abstract, a, b)), 0)
    back = _POINTS_BACK.match(abstract, news)
    begin = back.end() if back else news
    text = abstract[begin : begin + 1].upper() + abstract[begin + 1 :]
    if len(text) <= limit:
        return text
    whole = max((end - begin for end in ends if limit * _ENOUGH < end - begin <= limit + 1), default=0)
    return text[:whole].rstrip() if whole else shorten(text, limit)


def _sentence_starts(text: str) -> Iterator[int]:
    for end in _END.finditer(text):
        before = text[: end.start()]
        # An initial, as in "J. Smith", ends no sentence, nor does an abbreviation.
        is_initial = len(before) > 1 and before[-1].isupper() and not before[-2].isalnum()
        if not is_initial and not before.endswith(_ABBREVIATIONS):
            yield end.end()
