"""The manifest of an export: its files, where there are many on several pages that follow each other."""

from collections.abc import Sequence
from typing import Any, assert_never

from ...domain.export import Dialect
from ...domain.refusals import NotFound
from ...fhir_mappings.panel_group import instant
from ...services.exports.files import File, Section
from ...services.exports.jobs import Export
from .routes import Exchange

_TYPE = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest"
_PAGE = "page"


def manifest_page(exchange: Exchange, export: Export, files: Sequence[File]) -> dict[str, Any]:
    """The page that the request's address names. Raises NotFound for one that there is not.

    Only who allowed partial manifests gets more than one. Errors are on each page.
    """
    assert export.transaction_time
    dialect, address = exchange.settings.fhir_bulk_data, f"{exchange.base}/export/{export.export_id}"
    paged = [file for file in files if file.section is not Section.ERROR]
    of_page = exchange.settings.fhir_export_manifest_files if export.request.partial_manifests else len(paged)
    pages = max(1, -(-len(paged) // max(1, of_page)))
    page = _page(exchange, pages)
    on_page = paged[(page - 1) * of_page : page * of_page]
    lists: dict[Section, list[dict[str, Any]]] = {section: [] for section in Section}
    for file in (*on_page, *(file for file in files if file.section is Section.ERROR)):
        entry: dict[str, Any] = {"url": f"{address}/{file.name}", "count": file.resources}
        if kind := _kind_of_lines(file, export, dialect):
            entry = {"type": kind, **entry}
        if dialect is not Dialect.STU3:
            entry["fileSize"] = file.bytes
        lists[file.section].append(entry)
    manifest: dict[str, Any] = {"transactionTime": instant(export.transaction_time), "requiresAccessToken": True}
    if dialect is not Dialect.STU4:
        manifest["request"] = export.request_url
    if dialect is not Dialect.STU3:
        manifest["manifestType"] = _TYPE
    if export.request.by_group:
        manifest["outputOrganizedBy"] = "Group"
    manifest |= {"output": lists[Section.OUTPUT], "deleted": lists[Section.DELETED]}
    manifest |= dict.fromkeys(_names_of_errors(dialect), lists[Section.ERROR])
    if page < pages:
        manifest["link"] = [{"relation": "next", "url": f"{address}?{_PAGE}={page + 1}"}]
    return manifest


def _page(exchange: Exchange, pages: int) -> int:
    text = dict(exchange.pairs).get(_PAGE, "1")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if not 1 <= page <= pages:
        raise NotFound("This manifest has no such page. Follow its links.")
    return page


def _names_of_errors(dialect: Dialect) -> tuple[str, ...]:
    match dialect:
        case Dialect.STU3:
            return ("error",)
        case Dialect.BOTH:
            return ("error", "outcome")
        case Dialect.STU4:
            return ("outcome",)
        case _:
            assert_never(dialect)


def _kind_of_lines(file: File, export: Export, dialect: Dialect) -> str | None:
    match file.section:
        case Section.OUTPUT:
            return None if export.request.by_group else file.kind
        case Section.DELETED:
            return None if dialect is Dialect.STU4 else "Bundle"
        case Section.ERROR:
            return None if dialect is Dialect.STU4 else "OperationOutcome"
        case _:
            assert_never(file.section)
