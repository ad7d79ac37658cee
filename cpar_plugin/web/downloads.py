"""Files that a browser saves."""

import re
from collections.abc import Iterable

from flask import Response


def csv_download(name: str, chunks: Iterable[bytes]) -> Response:
    """A CSV file, streamed. `name` is in words, without patient data: it becomes the file's name."""
    file_name = re.sub(r"[^A-Za-z0-9]+", "-", name)
    return Response(
        chunks,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}.csv"', "Cache-Control": "no-store"},
    )
