"""The embedded EMR as a Flask application: an OSCAR-like frame around whatever the plugins bring."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from http import HTTPStatus

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.application import new_application, register_plugins
from cpar_plugin.host_kit.faults import FaultPages, handle_faults
from cpar_plugin.host_kit.throttle import Throttle
from cpar_plugin.web.interrupted import keep_form

from ..host import OscarHost
from ..own_sessions import own_sessions
from . import assigning, patients, record_page, role_pages, signing_in
from .administration import administration, for_administrators
from .frame import EmbeddedPages, Emr, emr, page

_PATIENT = "/patients/<int(max=2147483647):patient_id>"
_ROLE = "/administration/roles/<int(max=2147483647):role_no>"
_FOR_ADMINISTRATORS = (
    ("/administration/roles", "roles", role_pages.manage_roles, ["GET"]),
    ("/administration/roles/new", "new_role", role_pages.new_role, ["GET", "POST"]),
    (_ROLE, "edit_role", role_pages.edit_role, ["GET", "POST"]),
    (f"{_ROLE}/delete", "delete_role", role_pages.delete_role, ["GET", "POST"]),
    ("/administration/assign-role", "assign_role", assigning.assign_role, ["GET", "POST"]),
)

_FAULTS = FaultPages(
    page=lambda title, message, status: page(title, "message.html", status, message=message, home=True),
    begin="Start from the patient search.",
    home=lambda: url_for("search"),
    signed_out=lambda: emr().host.identity.current() is None,
    sign_in_href=lambda back_to: emr().host.pages.sign_in_href(back_to),
    keep_form=lambda mark, back_to: keep_form(emr().host, mark, back_to),
)


def create_app(host: OscarHost, plugins: Plugins) -> Flask:
    """The application, with the plugins' pages in it. Its secret key is the setting `secret_key`, or a new one."""
    app = new_application(
        __name__,
        cookie_name="oscar_embedded",
        secret_key=host.settings.get("secret_key") or secrets.token_hex(32),
        https_only=host.settings.get("https_only", "") == "yes",
    )
    identity = replace(host.identity, signed_in=own_sessions(app, host).provider_id)
    own_host = replace(host, pages=EmbeddedPages(), identity=identity)
    app.extensions["emr"] = Emr(own_host, plugins)
    app.extensions["emr_throttle"] = Throttle()
    app.add_url_rule("/sign-in", "sign_in", signing_in.sign_in, methods=["GET", "POST"])
    app.add_url_rule("/sign-out", "sign_out", signing_in.sign_out, methods=["POST"])
    app.add_url_rule("/", "search", _for_people(patients.search), methods=["GET", "POST"])
    app.add_url_rule(_PATIENT, "master_record", _for_people(patients.master_record))
    app.add_url_rule(f"{_PATIENT}/details", "details", _for_people(patients.details))
    edit_record = _for_people(record_page.edit_record)
    app.add_url_rule(f"{_PATIENT}/edit", "edit_record", edit_record, methods=["GET", "POST"])
    app.add_url_rule("/administration", "administration", _for_people(administration))
    for path, endpoint, view, methods in _FOR_ADMINISTRATORS:
        app.add_url_rule(path, endpoint, _for_people(for_administrators(view)), methods=methods)
    register_plugins(app, own_host, plugins)
    handle_faults(app, _FAULTS)
    return app


def _for_people(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """The view for the signed-in user, as its first argument; everyone else signs in first."""

    @wraps(view)
    def answer(**arguments: int) -> ResponseReturnValue:
        actor = emr().host.identity.current()
        if actor is None:
            return redirect(emr().host.pages.sign_in_href(request.path), HTTPStatus.SEE_OTHER)
        return view(actor, **arguments)

    return answer
