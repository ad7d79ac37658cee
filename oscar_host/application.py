"""What every application around the plugins' pages has in common: sessions, forms, headers, and the plugins in it."""

from typing import Any

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError

from cpar_plugin.hooks import Host, ProgramInterface
from cpar_plugin.hooks.plugins import Plugins

from . import zone_rules

LARGEST_FORM = 1024 * 1024
_OWN_SITE = ("same-origin", "none")  # the Fetch Metadata of W3C; `none` is a person's own doing, such as loading again
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)


class _Forms(CSRFProtect):  # type: ignore[misc]  # Flask-WTF has no types
    """Flask-WTF's own. That a form came from this site is shown by its token, and by what a browser says besides.

    Not by `Referer`, as Flask-WTF would have it: under `Referrer-Policy: no-referrer` no browser sends it.
    """

    def protect(self, apply_exemptions: bool = False) -> None:
        super().protect(apply_exemptions)
        if g.get("csrf_valid") and request.headers.get("Sec-Fetch-Site", _OWN_SITE[0]) not in _OWN_SITE:
            raise CSRFError("Another site sent the form.")


class _Sessions(SecureCookieSessionInterface):
    """Flask's own, without getting ready to read a cookie where none was sent: programs send none."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if "Cookie" in request.headers else self.session_class()


def new_application(import_name: str, *, cookie_name: str, secret_key: str, https_only: bool, **options: Any) -> Flask:
    """An application without pages, whose own cookie is signed with the key. `options` are Flask's.

    By whose time zone rules it goes is written to the log.
    """
    zone_rules.decide().log()
    app = Flask(import_name, **options)
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_NAME=cookie_name,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=https_only,
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form may stay open through a lunch break
    )
    app.session_interface = _Sessions()
    app.after_request(_guard)
    return app


def register_plugins(app: Flask, host: Host, plugins: Plugins, mounted_at: str = "") -> None:
    """Add the plugins' pages, and protect every form but those of programs.

    `mounted_at` is the path that the application answers below. A plugin's prefix that it ends with is not repeated:
    `/oscar/cpar/panels`, not `/oscar/cpar/cpar/panels`.
    """
    forms = _Forms(app)
    for blueprint in plugins.blueprints(host):
        prefix = blueprint.url_prefix or ""
        app.register_blueprint(blueprint, url_prefix="" if prefix and mounted_at.endswith(prefix) else prefix)
        if isinstance(blueprint, ProgramInterface):
            forms.exempt(blueprint)


def _guard(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
