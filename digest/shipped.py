"""Files that come with the program: `templates/` and `config/`, at the root of a checkout, inside an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The folder `templates` or `config` that belongs to this program.

    Raises `FileNotFoundError` when the installation is incomplete.
    """
    for folder in (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the folder {name} of this installation is missing; install the program again")
