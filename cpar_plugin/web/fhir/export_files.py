"""Giving out the files of a bulk export: to their owner alone, who still has to be allowed to read what is in them."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import BinaryIO

from flask import Response, request

from ...domain.export import still_covers
from ...domain.refusals import NotFound
from ...domain.scopes import KINDS
from ...fhir_mappings.outcome import IssueType
from ...services.clients.read_log import Interaction
from ...services.exports import jobs
from ...services.exports.files import open_file
from ...services.exports.request import FORMAT
from ...services.fhir.search.request import Pairs
from .callers import AccessDenied, Unavailable
from .export import require_export
from .refusals import Refusal
from .routes import Exchange

_CHUNK = 256 * 1024
_TAKEN = (FORMAT, "application/ndjson", "application/fhir+json", "application/json")


def file_form(pairs: Pairs) -> str:
    """The form of a file, whatever JSON is asked for. Raises Refusal (406) for all else."""
    if "Accept" in request.headers and not any(request.accept_mimetypes[form] for form in _TAKEN):
        raise Refusal(HTTPStatus.NOT_ACCEPTABLE, IssueType.NOT_SUPPORTED, f"Files are only available as {FORMAT}.")
    return FORMAT


def export_file(exchange: Exchange, export_id: str, name: str) -> Response:
    """One file of an export, as a stream; it leaves a record when it is about patients."""
    export = jobs.find(exchange.connection, exchange.caller, export_id)
    file = next((entry for entry in jobs.files_of(exchange.connection, export_id) if entry.name == name), None)
    if file is None or export.claim is None:
        raise NotFound("File not found in this export, or not ready yet.")
    for kind in export.request.kinds if export.request.by_group else (file.kind,):
        if kind in KINDS:
            require_export(exchange, kind)
    if not still_covers(exchange.caller.panels, export.panels):
        raise AccessDenied("You can now read fewer panels than when this was exported. Request a new export.")
    stream = open_file(exchange.settings.fhir_export_folder, export.claim, file)
    if stream is None:
        raise NotFound("This file no longer exists. Request a new export.")
    try:
        if file.patients and request.method != "HEAD":
            exchange.callers.note(exchange.caller, Interaction.EXPORT, file.kind, "", file.patients)
    except Unavailable:
        stream.close()
        raise
    headers = {"Content-Length": str(file.bytes)}
    answer = Response(_chunks(stream), headers=headers, content_type=FORMAT)
    answer.call_on_close(stream.close)
    return answer


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
