"""A slip in a mail domain is the most common reason why a confirmation never arrives."""

from difflib import get_close_matches

_COMMON = (
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com",
    "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de", "mail.com", "fastmail.com", "qq.com", "163.com",
    "126.com", "foxmail.com", "naver.com", "yandex.ru", "mail.ru", "orange.fr", "free.fr", "aol.com", "zoho.com",
)  # fmt: skip


def meant_instead(address: str) -> str | None:
    """The address somebody probably meant, None when there is nothing odd about this one."""
    local, _, domain = address.rpartition("@")
    domain = domain.lower()
    if domain in _COMMON:
        return None
    near = get_close_matches(domain, _COMMON, n=1, cutoff=0.84)
    return f"{local}@{near[0]}" if near else None
