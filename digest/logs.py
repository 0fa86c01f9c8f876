"""What the program tells about itself while it runs: lines for a person on a terminal, one JSON object a line elsewhere.

Nothing that is told holds an address, the token of a link, or a secret: they are blacked out here, once, whoever wrote
the line, tracebacks included.
"""

import json
import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

_ADDRESS = re.compile(r"([^\s<>\"'(),:;=@])[^\s<>\"'(),:;=@]*@((?:[\w-]+\.)+[\w-]+)")
# Links of one person: /u/TOKEN, /p/TOKEN and the like; 22 characters are 128 bits.
_LINK = re.compile(r"(/[a-z]{1,12}/)[\w~.-]{22,}")
_IN_URL = re.compile(r"(\b[a-z][a-z+.]*://[^\s/:@]+):[^\s/@]+@")
_PLACEHOLDER = re.compile(r"(?:(\w+)=)?%[-#0 +]*\d*(?:\.\d+)?[sdrfgx]")
_SHORTEST_SECRET = 6  # a shorter one would black out ordinary words


class Redactor:
    """Blacks out addresses (`a***@example.org`), link tokens, passwords in URLs, and the secrets it is told."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def learn(self, secrets: Iterable[str | None]) -> None:
        """Black out these as well, wherever they turn up."""
        known = {secret for secret in secrets if secret and len(secret) >= _SHORTEST_SECRET}
        self._secrets = sorted(known.union(self._secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """`text` as it may be kept."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = _IN_URL.sub(r"\1:***@", text)
        return _LINK.sub(r"\1***", _ADDRESS.sub(r"\1***@\2", text))


redact = Redactor()  # one for the process: a secret that one home knows is a secret in every line


class _Words(logging.Formatter):
    """For a terminal. A line break in what somebody sent us starts no line of its own (CWE-117)."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%SZ")
        line = f"{at} {record.levelname.lower()} {_one_line(record.getMessage())}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


class _Json(logging.Formatter):
    """One object a line: `at`, `level`, `logger`, `event`, the values named in the message, `error` with its traceback.

    A message written as `"ingest source=%s papers=%d"` gives the fields `source` and `papers`.
    """

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        entry |= {name: value for name, value in _fields(record).items() if name not in entry}
        if record.exc_info:
            entry["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """The values that the message names, as `name=%s`."""
    if not isinstance(record.args, tuple) or not isinstance(record.msg, str):
        return {}
    names = [found.group(1) for found in _PLACEHOLDER.finditer(record.msg.replace("%%", ""))]
    values = zip(names, record.args, strict=False)
    return {
        name: value if isinstance(value, int | float) else redact(str(value))
        for name, value in values
        if name
    }


def start_logging(stream: TextIO, level: int) -> None:
    """Tell everything from `level` upwards on `stream`: in words when it is a terminal, else as JSON."""
    told = logging.StreamHandler(stream)
    told.setFormatter(_Words() if stream.isatty() else _Json())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(told)
    root.setLevel(level)


def tell_each_step() -> None:
    """For programs that run on: tell what was done, too; a person at a terminal only what needs a look."""
    root = logging.getLogger()
    is_read_by_machines = any(isinstance(handler.formatter, _Json) for handler in root.handlers)
    root.setLevel(min(root.level, logging.INFO if is_read_by_machines else logging.WARNING))
    # That a round takes longer than its pace is nobody's trouble.
    logging.getLogger("apscheduler").setLevel(logging.WARNING if is_read_by_machines else logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)
