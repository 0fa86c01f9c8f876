"""What a check has found: the common words of everything that examines."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail", "unchecked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it went, what was seen, and what to do when it did not go well."""

    name: str
    state: State
    said: str
    remedy: str = ""
