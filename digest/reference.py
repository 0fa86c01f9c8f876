"""Every option of every configuration file, as a document for people and as a schema for editors.

Both are made from the models that check the files, so that they cannot say anything else.
"""

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from digest.profiles import ProfileFile
from digest.settings import ENVIRONMENT, Settings
from digest.tables import DigestFile, Strict

FILES: dict[str, type[Strict]] = {"digest": DigestFile, "subscriber": ProfileFile}
_TITLES = {
    "digest": "`config/digest.toml`: one digest's settings",
    "subscriber": "`config/subscribers/*.toml`: one person a file",
}


def schema(file: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of `FILES`, for editors that complete and check TOML."""
    found = FILES[file].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def reference() -> str:
    """Every option with its default and what it means, as Markdown."""
    lines = ["# Configuration", "", *_PREFACE]
    for file, model in FILES.items():
        lines += ["", f"## {_TITLES[file]}"]
        for header, table in _tables(model):
            lines += ["", *rows] if (rows := list(_table(header, table))) else []
    lines += ["", "## `.env`: secrets", "", "| name | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items()]
    return "\n".join(lines) + "\n"


def shown(settings: Settings) -> dict[str, Any]:
    """The settings in force, with every secret as `***`."""
    told = settings.file.model_dump(mode="json")
    secrets = {
        name: "***" if getattr(settings, name) is not None else None
        for name, field in Settings.model_fields.items()
        if _is_secret(field)
    }
    return {"home": str(settings.home), **told, "secrets": secrets}


_PREFACE = [
    "Made by `digest config reference`. Unknown keys are mistakes; `digest config check` lists every mistake at once, and",
    "`digest config schema digest` and `digest config schema subscriber` print JSON Schemas: with",
    "`#:schema digest.schema.json` on the first line an editor completes the file.",
]


def _tables(model: type[BaseModel], header: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """A model's own table, then those inside it, as TOML writes their headers."""
    yield header, model
    for name, field in model.model_fields.items():
        inner, is_list = _inner(field.annotation)
        if inner is not None:
            path = f"{header.strip('[]')}.{name}".lstrip(".")
            yield from _tables(inner, f"[[{path}]]" if is_list else f"[{path}]")


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The table that a key holds, if it holds one, and whether there may be several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is tuple:
        return _inner(get_args(annotation)[0])[0], True
    return None, False


def _table(header: str, model: type[BaseModel]) -> Iterator[str]:
    plain = {name: field for name, field in model.model_fields.items() if _inner(field.annotation)[0] is None}
    if header:
        yield f"### `{header}`"
        yield ""
        yield (model.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
        yield ""
    if not plain:
        return
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, field in plain.items():
        yield f"| `{field.alias or name}` | {_default(field)} | {_meaning(field)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.default
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value}`"
    if isinstance(value, tuple | dict) and not value:
        return "`{}`" if isinstance(value, dict) else "`[]`"
    return f'`"{value.strftime("%H:%M") if hasattr(value, "strftime") else value}"`'


def _meaning(field: FieldInfo) -> str:
    said = (field.description or "").replace("|", "\\|")
    choices = _choices(field.annotation)
    if choices and not all(choice in said for choice in choices):
        said = f"{said} ({', '.join(choices)})".strip()
    return said + _bounds(field)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [choice for part in get_args(annotation) for choice in _choices(part)]
    return []


def _bounds(field: FieldInfo) -> str:
    limits = {
        name: getattr(rule, name)
        for rule in field.metadata
        for name in ("ge", "gt", "le")
        if hasattr(rule, name)
    }
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    said = ", ".join(f"{words[name]} {value}" for name, value in limits.items() if value is not None)
    return f" ({said})" if said else ""


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in get_args(field.annotation)
