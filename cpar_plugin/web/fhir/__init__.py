"""The FHIR interface, under `/fhir`: for other systems, and for people who manage panels."""

from collections.abc import Callable
from functools import partial, update_wrapper
from http import HTTPStatus

from flask import Response, request

from ...fhir_mappings.outcome import IssueType
from ...hooks import Host, ProgramInterface
from ...services.fhir.definitions import Definitions
from ...services.fhir.search.table import SEARCHABLE
from ...settings import load
from . import cors, offering, openapi, smart, subscribing, token
from .batch import LARGEST_BATCH, batched
from .callers import Callers
from .compression import compress
from .confirming import confirm
from .definitions import definition_in_batch, post_search_of_definitions, read_definition, search_definitions
from .export import export_status, kick_off, kick_off_form
from .export_files import export_file, file_form
from .metadata import metadata
from .reading import read_resource, read_version, resource_meant
from .refusals import Refusal, refused
from .routes import METHODS, Exchange, FhirRoute, not_done, serve
from .searching import patients_meant, search

_WITHOUT_A_BODY = (HTTPStatus.ACCEPTED, HTTPStatus.NOT_MODIFIED)


def nothing_here(exchange: Exchange, rest: str, first: str = "nothing") -> Response:
    """All other addresses. History, operations and Bundles of requests are FHIR, but not done here.

    `first`: the part of the address before `rest`, which can be empty.
    """
    if "$" in rest or "_history" in rest or "" in (first, *rest.rstrip("/").split("/")):
        raise not_done()
    raise Refusal(HTTPStatus.NOT_FOUND, IssueType.NOT_FOUND, "Unknown URL or resource type. See /metadata.")


def _routes(definitions: Definitions) -> list[tuple[FhirRoute, dict[str, str]]]:
    """Every address for known callers, and what its view is called with."""
    read_only = [kind for kind in SEARCHABLE if kind != "Subscription"]
    routes = [
        (FhirRoute(f"/{kind}/<resource_id>", read_resource, along=resource_meant), {"kind": kind}) for kind in read_only
    ]
    routes += [
        (FhirRoute(f"/{kind}/<resource_id>/_history/<version>", read_version), {"kind": kind}) for kind in SEARCHABLE
    ]
    routes += [(FhirRoute(f"/{kind}", search, along=patients_meant), {"kind": kind}) for kind in read_only]
    routes += [(route, {}) for route in subscribing.ROUTES]
    routes += [
        (FhirRoute(f"/{kind}/_search", search, ("POST",), posts_form=True), {"kind": kind}) for kind in SEARCHABLE
    ]
    reading = [each for each in routes if each[0].view in (read_resource, read_version, search)]
    reading = [each for each in reading if "GET" in each[0].methods]
    reading += [
        (FhirRoute(f"/{kind}/<definition_id>", partial(definition_in_batch, definitions)), {"kind": kind})
        for kind in definitions.kinds
    ]
    routes += [(FhirRoute("/", batched(reading), ("POST",), largest=LARGEST_BATCH), {})]
    routes += [
        (FhirRoute("/$export", kick_off, ("GET", "POST"), kick_off_form), {}),
        (FhirRoute("/Group/<resource_id>/$export", kick_off, ("GET", "POST"), kick_off_form), {"kind": "Group"}),
        (FhirRoute("/Group/<resource_id>/$confirm", confirm, ("POST",)), {}),
        (FhirRoute("/export/<export_id>", export_status, ("GET", "DELETE")), {}),
        (FhirRoute("/export/<export_id>/<name>", export_file, form=file_form), {}),
    ]
    routes += [
        (FhirRoute("/<string(minlength=0):first>/<path:rest>", nothing_here, METHODS), {}),
        (FhirRoute("/<path:rest>", nothing_here, METHODS), {}),
    ]
    return routes


def fhir_blueprint(host: Host) -> ProgramInterface:
    """All addresses of the interface for one host."""
    interface = ProgramInterface("cpar_fhir", __name__, url_prefix="/fhir")
    callers = Callers(host, load(host.settings))
    for path, view, methods in (*token.ROUTES, *smart.ROUTES, *openapi.ROUTES, *offering.ROUTES):
        interface.add_url_rule(path, view.__name__, update_wrapper(partial(view, callers), view), methods=methods)
    definitions = Definitions(callers.settings)
    metadata_view = partial(metadata, callers, definitions, host.clock.now())
    interface.add_url_rule("/metadata", "metadata", update_wrapper(metadata_view, metadata), methods=METHODS)
    _add_definitions(interface, callers, definitions)
    for route, arguments in _routes(definitions):
        answer = update_wrapper(partial(serve, callers, route), route.view)
        interface.add_url_rule(
            route.path,
            f"{route.view.__name__} {route.path}",
            answer,
            defaults=arguments,
            methods=METHODS,
            provide_automatic_options=False,
            strict_slashes=False,
            merge_slashes=False,
        )
    interface.record_once(lambda state: state.app.extensions.update(cpar_fhir_callers=callers))
    interface.register_error_handler(Exception, refused)
    interface.before_request(_check_address)
    interface.before_request(partial(_preflight, callers))
    interface.after_request(partial(_guard, callers))
    return interface


def _check_address() -> None:
    """Raises Refusal for an address that is not UTF-8: letters would be lost, and someone else looked for."""
    path = request.environ["PATH_INFO"]  # each character is a byte (WSGI)
    if not path.isascii():
        try:
            path.encode("latin-1").decode()
        except UnicodeDecodeError:
            raise Refusal(HTTPStatus.BAD_REQUEST, IssueType.INVALID, "Send the URL in UTF-8.") from None


def _preflight(callers: Callers) -> Response | None:
    """The answer to a browser that asks for a page which is registered. All others are answered as ever."""
    if not cors.is_preflight():
        return None
    callers.count_unknown()
    return cors.preflight() if cors.is_registered(callers.host.database.engine) else None


def _add_definitions(interface: ProgramInterface, callers: Callers, definitions: Definitions) -> None:
    """What is open to everyone besides the descriptions of the interface."""
    views: dict[str, Callable[..., Response]] = {
        "/{}/<definition_id>": read_definition,
        "/{}": search_definitions,
        "/{}/_search": post_search_of_definitions,
    }
    for kind in definitions.kinds:
        for path, view in views.items():
            interface.add_url_rule(
                path.format(kind),
                f"{view.__name__} {kind}",
                update_wrapper(partial(view, callers, definitions, kind=kind), view),
                methods=METHODS,
                provide_automatic_options=False,
                strict_slashes=False,
                merge_slashes=False,
            )


def _guard(callers: Callers, response: Response) -> Response:
    if response.status_code in _WITHOUT_A_BODY:
        response.headers.pop("Content-Type", None)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    compress(response)
    cors.allow(callers.host.database.engine, response)
    return response
