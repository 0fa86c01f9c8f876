"""Text into the terms that papers and keywords are compared by.

    "Fine-tuned KV caches"  ->  words   fine tun kv cach
                                pairs   finetun tunedkv kvcach

A pair is written without a space on purpose: "fine-tuning", "fine tuned" and "finetuning" share the term `finetun`.
"""

import re
import unicodedata
from functools import lru_cache

# A longer abstract is a page gone wrong: what stands after this many characters cannot make a paper fit better.
LONGEST_TEXT = 20_000

_MARKUP = re.compile(
    r"\\(?:text|math|emph|bf|it|rm|cal|href|url|cite|ref|left|right|frac|begin|end)[a-z]*|</?[a-z][^<>]{0,80}>",
    re.IGNORECASE,
)
_WORD = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"  # scripts without spaces: each sign is a word
    "|[^\\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)

# Words that say nothing about a subject, in English and in the English of abstracts.
_SAYS_NOTHING = """
    a about above after again against all also although am among an and any are as at be because been before being
    below between both but by can cannot could did do does doing done down due during each either et few for from
    further had has have having he her here hers him his how however i if in into is it its itself just less like made
    make many may me might more most much must my neither no nor not of off often on once one only onto or other our
    out over own per rather s same shall she should since so some still such t than that the their them then there
    thereby these they this those though three through thus to too toward towards two under until up upon us use used
    uses using very via was we well were what when where whereas whether which while who whom whose why will with
    within without would yet you your
    paper propose proposed show shows shown present presents presented
"""
STOP_WORDS = frozenset(_SAYS_NOTHING.split())


def surfaces(text: str) -> list[str]:
    """The words of a text in order, folded (case, accents, width) but not stemmed."""
    folded = unicodedata.normalize("NFKD", _MARKUP.sub(" ", text[:LONGEST_TEXT])).casefold()
    if not folded.isascii():
        folded = "".join(c for c in folded if not unicodedata.combining(c))
        folded = unicodedata.normalize("NFC", folded)
    return _WORD.findall(folded.replace("'s ", " "))


_NO_PLURALS = frozenset({"always", "lens", "news", "series", "species", "perhaps"})


@lru_cache(maxsize=200_000)
def singular(word: str) -> str:
    """A noun without its plural s: "surveys" and "survey" are one word, "bias" and "physics" stay."""
    if (
        len(word) <= 3
        or word[-1] != "s"
        or word in _NO_PLURALS
        or word.endswith(("ss", "us", "is", "ics", "ias"))
    ):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


# Longest first within a group; each may leave no fewer than the given letters.
_SUFFIXES: tuple[tuple[str, str, int], ...] = (
    ("isations", "iz", 3), ("izations", "iz", 3), ("isation", "iz", 3), ("ization", "iz", 3),
    ("ifications", "ifi", 3), ("ification", "ifi", 3), ("ifying", "ifi", 3), ("ifiers", "ifi", 3), ("ifier", "ifi", 3),
    ("ievals", "iev", 3), ("ieval", "iev", 3), ("ational", "at", 3), ("fulness", "", 3), ("iveness", "iv", 3), ("ousness", "ous", 3),
    ("ations", "at", 3), ("ation", "at", 3), ("ating", "at", 3), ("ated", "at", 3), ("ators", "at", 3), ("ator", "at", 3),
    ("ising", "iz", 4), ("izing", "iz", 3), ("ised", "iz", 4), ("ized", "iz", 3), ("izer", "iz", 3), ("iser", "iz", 4),
    ("ability", "abl", 3), ("ibility", "ibl", 3), ("ivity", "iv", 3), ("ments", "", 4), ("ment", "", 4),
    ("ically", "ic", 3), ("ical", "ic", 3), ("ness", "", 4), ("ings", "", 3), ("ing", "", 3), ("edly", "", 3),
    ("ed", "", 3), ("ally", "al", 3), ("ely", "", 3), ("ly", "", 4), ("ers", "", 4), ("er", "", 4),
    ("ities", "", 4), ("ity", "", 4), ("ions", "", 4), ("ion", "", 4), ("ate", "at", 3), ("ize", "iz", 3), ("ise", "iz", 4),
)  # fmt: skip
_DOUBLED = re.compile(r"([bdfgmnprt])\1$")
_VOWEL = re.compile("[aeiouy]")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The part of an English word that its inflections share; other scripts, numbers and short words stay as they are.

    Lighter than Porter (1980): one suffix is taken off, never a second, so that "organ" and "organization" stay apart.
    """
    word = singular(word)
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    for suffix, rest, least in _SUFFIXES:
        root = word[: -len(suffix)]
        if word.endswith(suffix) and len(root) >= least and _VOWEL.search(root):
            word = root + rest if rest else _DOUBLED.sub(r"\1", root)
            break
    return _ending(word)


def _ending(word: str) -> str:
    """One spelling for endings that are written in several ways: modell, analysis, study, decode."""
    if len(word) <= 3:
        return word
    if word.endswith("sis"):
        return word[:-2]
    word = word[:-1] if word.endswith(("e", "ll")) else word
    if word.endswith("yz"):
        return word[:-1] + "s"
    return word[:-1] + "i" if word.endswith("y") else word


def joined(first: str, second: str) -> str:
    """The term of two adjacent words, the same as that of the one word they are also written as."""
    return singular(first) + stem(second)
