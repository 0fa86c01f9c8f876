"""The model of language of `digest[semantic]`: the weights lie in an installed package, and nothing is downloaded.

WordLlama's table of token vectors: 32,000 tokens, 256 dimensions, 16 MB. A text is the mean of its tokens, which takes a
third of a millisecond and needs no engine to run networks. Only the package's files are read; none of its code runs.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.errors import DigestError

Matrix = NDArray[np.float64]

PACKAGES = ("tokenizers", "safetensors", "wordllama")
REMEDY = 'install the extra: pip install "paper-digest[semantic]"'
_WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
_TOKENS = Path("tokenizers", "l2_supercat_tokenizer_config.json")


def is_installed() -> bool:
    """Whether the packages of the extra are there."""
    return all(find_spec(name) for name in PACKAGES)


@cache
def installed_encoder() -> "TokenMeans":
    """The model of the installed extra, read once. Raises `DigestError` when it is not there."""
    if not is_installed():
        raise DigestError(f"the model of language is not installed: {REMEDY}")
    spec = find_spec("wordllama")
    assert spec is not None
    folder = Path((spec.submodule_search_locations or [""])[0])
    tokenizers, numpy_files = import_module("tokenizers"), import_module("safetensors.numpy")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / _TOKENS))
        vectors = numpy_files.load_file(folder / _WEIGHTS)["embedding.weight"]
    except Exception as cause:  # the packages raise what they like
        raise DigestError(
            f"the model of language in {folder} cannot be read; {REMEDY} --force-reinstall"
        ) from cause
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return TokenMeans(tokenizer, np.asarray(vectors, dtype=np.float64))


class TokenMeans:
    """Texts as the means of their tokens' vectors."""

    def __init__(self, tokenizer: Any, vectors: Matrix) -> None:
        self._tokenizer = tokenizer
        self._vectors = vectors

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Texts x dimensions; 0 for a text without any token. No row depends on the other texts."""
        rows = np.zeros((len(texts), self._vectors.shape[1]))
        for row, text in enumerate(texts):
            if tokens := self._tokenizer.encode(text, add_special_tokens=False).ids:
                rows[row] = self._vectors[tokens].mean(axis=0)
        return rows
