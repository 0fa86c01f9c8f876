"""What every page is dressed in: one style sheet in the colours of the mails, and one script. Read once, at the start."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.mail.themes import Palette, Theme

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """The files a page asks for, by name, and a version that changes with any of them."""

    files: Mapping[str, tuple[str, bytes]]  # name -> media type, content
    version: str

    def route(self) -> Route:
        """Where they are served. They may be kept for a year: pages ask for them by version."""

        async def asset(request: Request) -> Response:
            found = self.files.get(request.path_params["name"])
            if found is None:
                return Response("not found", 404, media_type="text/plain")
            is_current = request.query_params.get("v") == self.version
            kept = _A_YEAR if is_current else "public, max-age=300"
            return Response(found[1], media_type=found[0], headers={"Cache-Control": kept})

        return Route("/assets/{name}", asset)


def read_assets(folder: Path, theme: Theme) -> Assets:
    """The files of `folder`; the style sheet begins with the colours of `theme`."""
    files = {
        file.name: (_TYPES[file.suffix], file.read_bytes())
        for file in sorted(folder.iterdir())
        if file.suffix in _TYPES
    }
    kind, rules = files["site.css"]
    files["site.css"] = (kind, colours_of(theme).encode() + rules)
    digest = hashlib.sha256(b"".join(content for _, content in files.values()))
    return Assets(files, digest.hexdigest()[:12])


def colours_of(theme: Theme) -> str:
    """The theme as custom properties, by day and by night."""
    fonts = f"--titles:{theme.titles};--text:{theme.text};"
    return (
        f":root{{color-scheme:light dark;{fonts}{_properties(theme.light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_properties(theme.dark)}}}}}\n"
    )


def _properties(palette: Palette) -> str:
    return "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in asdict(palette).items())
