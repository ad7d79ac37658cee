"""The application alongside a running OSCAR: the pages of the plugins, for the user who is signed in there."""

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from flask import Flask, current_app, has_request_context, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from cpar_plugin.hooks import Plugins, is_polled
from cpar_plugin.host_kit.application import new_application, register_plugins
from cpar_plugin.host_kit.faults import FaultPages, handle_faults, unavailable
from cpar_plugin.host_kit.throttle import Throttle
from cpar_plugin.web.interrupted import keep_form

from ..host import OscarHost
from ..identity import OscarIdentity
from ..own_sessions import own_sessions
from ..privileges import Privileges
from . import signing_in
from .answers import Answers
from .frame import Sidecar, SidecarPages, home, page, sidecar
from .loader import add_loader, notes
from .record_page import RecordPage, RecordPages
from .rest import OscarRest, OscarUnavailable
from .rights import RestRights, permissions_by_rest
from .sessions import OscarSessions
from .settings import SidecarSettings, load
from .turns import Turns

_SIGNED_IN = "oscar_host.signed_in"  # in the request itself: a page asks once, however long it takes
_UNAVAILABLE = "OSCAR is not responding, so your sign-in cannot be verified. Try again in a moment."


def create_app(host: OscarHost, plugins: Plugins, *, cookie_name: str = "oscar_sidecar") -> Flask:
    """The application, which answers below the setting `context_path`. Raises Refused for wrong settings."""
    settings = load(host.settings)
    app = new_application(
        __name__,
        cookie_name=cookie_name,
        secret_key=settings.secret_key,
        https_only=settings.https_only,
        static_url_path="/frame",  # the plugin's own files are at /static
    )
    app.config["APPLICATION_ROOT"] = settings.context_path
    identity, records = _identity_and_records(app, host, settings)
    pages = SidecarPages(settings.oscar_pages, settings.context_path, records)
    own_host = replace(host, pages=pages, identity=identity)
    app.extensions["sidecar"] = Sidecar(own_host, plugins, settings)
    app.add_url_rule("/", "home", _home)
    if settings.sign_in == "session":
        app.add_url_rule("/sign-in", "sign_in", signing_in.signed_out)
    else:
        app.extensions["sidecar_throttle"] = Throttle()
        app.add_url_rule("/sign-in", "sign_in", signing_in.sign_in, methods=["GET", "POST"])
        app.add_url_rule("/sign-out", "sign_out", signing_in.sign_out, methods=["POST"])
    add_loader(app)
    register_plugins(app, own_host, plugins, mounted_at=settings.context_path)
    app.extensions["csrf"].exempt(notes)
    handle_faults(app, _fault_pages(identity))
    app.register_error_handler(OscarUnavailable, _unavailable)
    app.wsgi_app = DispatcherMiddleware(NotFound(), {settings.context_path: app.wsgi_app})  # type: ignore[method-assign]
    if settings.trusted_proxies:
        number = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=number, x_proto=number, x_host=number)  # type: ignore[method-assign]
    return app


def _identity_and_records(app: Flask, host: OscarHost, settings: SidecarSettings) -> tuple[OscarIdentity, RecordPages]:
    """Who is signed in, and where OSCAR has its records. Without OSCAR's session it cannot be asked for either."""
    if settings.sign_in == "password":
        identity = replace(host.identity, signed_in=own_sessions(app, host).provider_id)
        return identity, RecordPages(lambda _: None)
    rest = OscarRest(settings)
    sessions = OscarSessions(
        rest,
        host.clock,
        Answers(Path(settings.session_folder), Turns(OscarUnavailable, settings.oscar_patience)),
        cookie_names=settings.oscar_cookies.split(),
        key=settings.secret_key.encode(),
        seconds=settings.session_seconds,
    )

    def signed_in() -> str | None:
        if not has_request_context():
            return None
        if _SIGNED_IN not in request.environ:
            view = current_app.view_functions.get(request.endpoint or "")
            request.environ[_SIGNED_IN] = sessions.provider_of(request.cookies, polling=is_polled(view))
        provider_id: str | None = request.environ[_SIGNED_IN]
        return provider_id

    identity = replace(host.identity, signed_in=signed_in)

    rights = RestRights(rest, Path(settings.session_folder))

    def override(tables: Privileges) -> Privileges:
        cookie = sessions.cookie(request.cookies)
        if settings.privileges == "rest":
            return rights.of(cookie, tables)
        return permissions_by_rest(rest, cookie, identity.cpar_object, tables.closed)

    def status(page: RecordPage) -> int | None:
        cookie = sessions.cookie(request.cookies) if has_request_context() else ""
        return rest.status_of(page, cookie) if cookie else None

    return identity if settings.privileges == "tables" else replace(identity, override=override), RecordPages(status)


def _home() -> ResponseReturnValue:
    own = sidecar()
    actor = own.host.identity.current()
    if actor is None:
        return redirect(own.host.pages.sign_in_href(home()), HTTPStatus.SEE_OTHER)
    of_the_day, menu = own.plugins.emr_schedule_menu(own.host, actor), own.plugins.emr_admin_menu(own.host, actor)
    return page("OSCAR", "home.html", items=[*of_the_day, *menu])


def _fault_pages(identity: OscarIdentity) -> FaultPages:
    return FaultPages(
        page=lambda title, message, status: page(title, "message.html", status, message=message),
        begin="Start from OSCAR.",
        home=home,
        signed_out=lambda: identity.current() is None,
        sign_in_href=lambda back_to: sidecar().host.pages.sign_in_href(back_to),
        keep_form=lambda mark, back_to: keep_form(sidecar().host, mark, back_to),
    )


def _unavailable(_: OscarUnavailable) -> ResponseReturnValue:
    return unavailable("OSCAR is not responding", _UNAVAILABLE)
