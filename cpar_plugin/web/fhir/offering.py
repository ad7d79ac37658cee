"""A submission under way as its recipient fetches it: the manifest and its files, for who has the key in a header.

Open to no client and to nobody signed in. What is given out is the submission, which its history records.
"""

from collections.abc import Iterator
from http import HTTPStatus

import orjson
from flask import Response, request

from ...domain.refusals import NotFound
from ...domain.submission_key import HEADER
from ...fhir_mappings.outcome import IssueType
from ...fhir_mappings.panel_group import instant
from ...services.exports.request import FORMAT
from ...services.submissions import served
from .addresses import base_url
from .callers import Callers
from .refusals import Refusal, refused
from .routes import METHODS, wrong_method

_NUMBERS = ("1", "2")  # the second replaces the first


def submission_manifest(callers: Callers, snapshot_id: str, number: str) -> Response:
    """The manifest of a submission: a file for each kind. `number`: which sending of the manifest it is."""
    try:
        row = _offered(callers, snapshot_id)
        if number not in _NUMBERS:
            raise NotFound("No such manifest.")
        if not served.is_whole(callers.host, snapshot_id, row.sha256):
            raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, IssueType.EXCEPTION, "The stored submission is damaged.")
        address = f"{base_url(callers.settings)}/submitted/{snapshot_id}/{number}"
        manifest = {
            "transactionTime": instant(row.taken_at),
            "requiresAccessToken": False,
            "output": [{"type": kind, "url": f"{address}/{kind}.ndjson"} for kind in served.KINDS],
            "deleted": [],
            "error": [],
        }
        return Response(orjson.dumps(manifest), content_type="application/json")
    except Exception as error:
        return refused(error)


def submission_file(callers: Callers, snapshot_id: str, number: str, name: str) -> Response:
    """One file of a submission, as a stream."""
    try:
        _offered(callers, snapshot_id)
        kind, _, ending = name.partition(".")
        if kind not in served.KINDS or ending != "ndjson" or number not in _NUMBERS:
            raise NotFound("No such file.")
        chunks: Iterator[bytes] = served.resources(callers.host, snapshot_id, kind)
        return Response(chunks, content_type=FORMAT)
    except Exception as error:
        return refused(error)


def _offered(callers: Callers, snapshot_id: str) -> served.Offered:
    if request.method not in ("GET", "HEAD"):
        raise wrong_method("GET", "HEAD")
    now, key = callers.host.clock.now(), request.headers.get(HEADER, "")
    with callers.host.database.engine.connect() as connection:
        return served.snapshot_for(connection, callers.settings, snapshot_id, key, now)


ROUTES = (
    ("/submitted/<snapshot_id>/<number>", submission_manifest, METHODS),
    ("/submitted/<snapshot_id>/<number>/<name>", submission_file, METHODS),
)
