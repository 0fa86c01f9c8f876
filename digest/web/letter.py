"""A mail as it left -> the page it is read on. Pure."""

from base64 import b64encode
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

# The mail's own markup, shut in: it has its styles, its logo and its links, and no scripts, forms or requests. The
# sandbox gives it an origin of its own, so that nothing in it could act for the reader even if there were a script.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation"
)


def html_of(raw: bytes) -> str | None:
    """The HTML part of a message with its pictures inside; None when it has none."""
    mail = message_from_bytes(raw, policy=default)
    body = mail.get_body(("html",))
    if not isinstance(body, EmailMessage):
        return None
    html = str(body.get_content())
    for part in mail.walk():
        content_id = str(part.get("Content-ID", "")).strip().strip("<>")
        if content_id and part.get_content_maintype() == "image":
            picture = b64encode(part.get_payload(decode=True) or b"").decode()  # type: ignore[arg-type]
            html = html.replace(f"cid:{content_id}", f"data:{part.get_content_type()};base64,{picture}")
    return html
