"""URLs of SQLite files, whose paths are relative to a folder."""

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError


def with_whole_path(text: str, folder: Path) -> str:
    """The same with its path whole; unchanged where it names no SQLite file, or nothing that can be used."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return text  # refused by what opens it
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:") or "uri" in url.query:
        return text
    return url.set(database=str(folder / url.database)).render_as_string(hide_password=False)
