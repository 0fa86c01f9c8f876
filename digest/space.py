"""Whether there is room on the disk to take in anything new. What waits to be sent needs next to none, and goes on."""

import shutil
from pathlib import Path

_MB = 1 << 20


def shortage(folder: Path, least_mb: int) -> str | None:
    """Why nothing new is taken in, None while there is room: `least_mb` free, and where that is less, a twentieth."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None  # whoever writes there next will say what is wrong
    least = min(least_mb * _MB, usage.total // 20)
    if usage.free >= least:
        return None
    return (
        f"only {_size(usage.free)} are free on the disk of {folder}, and nothing new is taken in below"
        f" {_size(least)}; what waits is still sent"
    )


def _size(count: int) -> str:
    return f"{count // _MB} MB" if count >= _MB else f"{count // 1024} kB"
