"""Answers that a reader may ask for again and again: 304 while nothing changed (RFC 9110, 13.1.2)."""

from starlette.requests import Request
from starlette.responses import Response

from digest.web.feeds import etag


def answer(request: Request, body: bytes, media_type: str, *, cache: str) -> Response:
    """`body`, or 304 when the asker has these very bytes already. `cache` is the Cache-Control header."""
    tag = etag(body)
    headers = {"ETag": tag, "Cache-Control": cache, "X-Robots-Tag": "noindex"}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _has(known: str, tag: str) -> bool:
    """Weak comparison: a proxy that compresses marks our tag as weak."""
    tags = [part.strip().removeprefix("W/") for part in known.split(",")]
    return tag in tags or known.strip() == "*"
