"""The FHIR interface, under `/fhir`: for other systems, and for people who manage panels."""

from functools import partial, update_wrapper

from flask import Response

from ...hooks import Host, ProgramInterface
from ...settings import load
from . import smart, token
from .callers import Callers, TurnedAway, turned_away


def fhir_blueprint(host: Host) -> ProgramInterface:
    """All addresses of the interface for one host."""
    interface = ProgramInterface("cpar_fhir", __name__, url_prefix="/fhir")
    callers = Callers(host, load(host.settings))
    for path, view, methods in (*token.ROUTES, *smart.ROUTES):
        interface.add_url_rule(path, view.__name__, update_wrapper(partial(view, callers), view), methods=methods)
    interface.register_error_handler(TurnedAway, turned_away)
    interface.after_request(_guard)
    return interface


def _guard(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
