"""The embedded EMR as a Flask application: an OSCAR-like frame around whatever the plugins bring."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from http import HTTPStatus

from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from cpar_plugin.hooks import ProgramInterface
from cpar_plugin.hooks.plugins import Plugins

from ..host import OscarHost
from . import assigning, patients, role_pages, signing_in
from .accounts import Throttle
from .administration import administration, for_administrators
from .faults import handle_faults
from .frame import EmbeddedPages, Emr, emr

LARGEST_FORM = 1024 * 1024
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
_PATIENT = "/patients/<int(max=2147483647):patient_id>"
_ROLE = "/administration/roles/<int(max=2147483647):role_no>"
_FOR_ADMINISTRATORS = (
    ("/administration/roles", "roles", role_pages.manage_roles, ["GET"]),
    ("/administration/roles/new", "new_role", role_pages.new_role, ["GET", "POST"]),
    (_ROLE, "edit_role", role_pages.edit_role, ["GET", "POST"]),
    (f"{_ROLE}/delete", "delete_role", role_pages.delete_role, ["GET", "POST"]),
    ("/administration/assign-role", "assign_role", assigning.assign_role, ["GET", "POST"]),
)


def create_app(host: OscarHost, plugins: Plugins) -> Flask:
    """The application, with the plugins' pages in it. Its secret key is the setting `secret_key`, or a new one."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=host.settings.get("secret_key") or secrets.token_hex(32),
        SESSION_COOKIE_NAME="oscar_embedded",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=host.settings.get("https_only", "") == "yes",
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form may stay open through a lunch break
    )
    own = replace(host, pages=EmbeddedPages())
    app.extensions["emr"] = Emr(own, plugins)
    app.extensions["emr_throttle"] = Throttle()
    forms = CSRFProtect(app)
    app.add_url_rule("/sign-in", "sign_in", signing_in.sign_in, methods=["GET", "POST"])
    app.add_url_rule("/sign-out", "sign_out", signing_in.sign_out, methods=["POST"])
    app.add_url_rule("/", "search", _for_people(patients.search), methods=["GET", "POST"])
    app.add_url_rule(_PATIENT, "master_record", _for_people(patients.master_record))
    app.add_url_rule(f"{_PATIENT}/details", "details", _for_people(patients.details))
    app.add_url_rule("/administration", "administration", _for_people(administration))
    for path, endpoint, view, methods in _FOR_ADMINISTRATORS:
        app.add_url_rule(path, endpoint, _for_people(for_administrators(view)), methods=methods)
    for blueprint in plugins.blueprints(own):
        app.register_blueprint(blueprint)
        if isinstance(blueprint, ProgramInterface):
            forms.exempt(blueprint)
    handle_faults(app)
    app.after_request(_guard)
    return app


def _for_people(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """The view for whoever is signed in, as its first argument; everybody else signs in first."""

    @wraps(view)
    def answer(**arguments: int) -> ResponseReturnValue:
        actor = emr().host.identity.current()
        if actor is None:
            return redirect(emr().host.pages.sign_in_href(request.path), HTTPStatus.SEE_OTHER)
        return view(actor, **arguments)

    return answer


def _guard(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
