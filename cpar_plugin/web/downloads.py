"""Files that a browser saves."""

import re
from collections.abc import Iterator

from flask import Response

from ..hooks import Actor, Host
from ..services.roster.csv_file import csv_file
from . import looks


def csv_download(host: Host, actor: Actor, name: str, rows: Iterator[tuple[object, ...]]) -> Response:
    """A CSV file of patients, streamed; each portion is recorded before it leaves (web.looks).

    `name` is in words, without patient data: it becomes the file's name.
    """
    return _csv(name, looks.recorded(host, actor, rows))


def csv_of_counts(name: str, rows: Iterator[tuple[object, ...]]) -> Response:
    """The same of a file that is about no patient."""
    return _csv(name, rows)


def _csv(name: str, rows: Iterator[tuple[object, ...]]) -> Response:
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name)
    return Response(
        csv_file(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}.csv"', "Cache-Control": "no-store"},
    )
