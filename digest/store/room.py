"""Whether there is room where a home and its database keep their files."""

from pathlib import Path

from sqlalchemy import Connection

from digest.space import shortage

# Its setting is shown to members of pg_read_all_settings alone; to others the row is not there, which is no error. Both
# ends have the same address, or none, where the server runs on this machine.
_DATA_FOLDER = (
    "SELECT setting FROM pg_settings WHERE name = 'data_directory'"
    " AND inet_server_addr() IS NOT DISTINCT FROM inet_client_addr()"
)


def shortage_of(db: Connection, home: Path, least_mb: int) -> str | None:
    """Why nothing new is taken in, None while there is room on the disk of `home` and on that of PostgreSQL.

    The latter is looked at where the server runs on this machine and tells this user where its files are.
    """
    short = shortage(home, least_mb)
    if short is None and (folder := _data_folder(db)) is not None:
        short = shortage(folder, least_mb)
    return short


def _data_folder(db: Connection) -> Path | None:
    if db.dialect.name != "postgresql":
        return None  # SQLite's file is in the home
    found = db.exec_driver_sql(_DATA_FOLDER).scalar()
    return None if found is None else Path(str(found))
