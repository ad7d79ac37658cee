"""What every application around the plugins' pages has in common: sessions, forms, headers, and the plugins in it."""

import hmac
import secrets
from typing import Any

from flask import Flask, Request, Response, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeTimedSerializer

from cpar_plugin.hooks import Actor, Host, Identity, Plugins, ProgramInterface, largest_body
from cpar_plugin.web.interrupted import mark_of

from . import zone_rules
from .gate import turn_away

LARGEST_FORM = 1024 * 1024
_OWN_SITE = ("same-origin", "none")  # the Fetch Metadata of W3C; `none` is a person's own doing, such as loading again
_OF_SESSIONS = ("sign_in", "sign_out")  # these forms begin and end a session
_TOKENS = "csrf_token"  # under which Flask-WTF keeps in the session what the tokens of forms are made of
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)


class Interrupted(CSRFError):  # type: ignore[misc]
    """The form is of this site, but the session in which it was opened has ended.

    `mark` is that of whoever opened it. `actor` is the same person, signed in again by now, or None.
    """

    def __init__(self, mark: str, actor: Actor | None) -> None:
        super().__init__("The session has ended.")
        self.mark = mark
        self.actor = actor


class BegunByAnother(CSRFError):  # type: ignore[misc]
    """The form is of this site, but was opened by someone else than `actor`, who is signed in now."""

    def __init__(self, actor: Actor) -> None:
        super().__init__("Someone else opened the form.")
        self.actor = actor


class _Forms(CSRFProtect):  # type: ignore[misc]  # Flask-WTF has no types
    """Flask-WTF's own. That a form came from this site is shown by its token, and by what a browser says besides.

    Not by `Referer`, as Flask-WTF would have it: under `Referrer-Policy: no-referrer` no browser sends it.

    What the session keeps for the tokens ends with a mark of the signed-in user, so that a form is not carried out
    as another user who has signed in since, in the same browser.
    """

    def __init__(self, app: Flask, identity: Identity) -> None:
        self._identity = identity
        super().__init__(app)

    def protect(self, apply_exemptions: bool = False) -> None:
        if apply_exemptions and (_is_file() or self._is_exempt()):
            return
        actor, unsafe = self._identity.current(), request.method in current_app.config["WTF_CSRF_METHODS"]
        largest = largest_body(current_app.view_functions.get(request.endpoint or "")) if actor else None
        if largest:  # before the form is read for its token
            request.max_content_length = largest
        begun_by = _begun_by(self._get_csrf_token()) if unsafe else ""
        if actor or not unsafe:  # who is signed out hears so from the page that is asked
            _mark_forms(mark_of(actor))
        if actor and begun_by and not hmac.compare_digest(begun_by, mark_of(actor)):
            raise BegunByAnother(actor)
        if request.endpoint in _OF_SESSIONS:
            begun_by = ""
        from_script = "HX-Request" in request.headers  # it keeps what is typed, and is answered by its own view
        if begun_by and not actor and not from_script:
            raise Interrupted(begun_by, None)
        try:
            super().protect(apply_exemptions)
        except CSRFError:
            if begun_by and actor and not _sent_by_another_site():
                raise Interrupted(begun_by, actor) from None
            raise
        if g.get("csrf_valid") and _sent_by_another_site():
            raise CSRFError("Another site sent the form.")


def _sent_by_another_site() -> bool:
    return request.headers.get("Sec-Fetch-Site", _OWN_SITE[0]) not in _OWN_SITE


def _is_file() -> bool:
    return (request.endpoint or "").rpartition(".")[2] == "static"


def _mark_forms(mark: str) -> None:
    """Let the forms of this answer, and of later ones, be those of the marked person. The part by chance stays."""
    random_part, _, marked = session.get(_TOKENS, "").partition(".")
    if not random_part or marked != mark:
        session[_TOKENS] = f"{random_part or secrets.token_hex(20)}.{mark}"


def _begun_by(token: str | None) -> str:
    """The mark in a form's token; '' where no one was signed in, and where the token is not one of ours."""
    signing = URLSafeTimedSerializer(current_app.secret_key or "", salt="wtf-csrf-token")
    try:
        return str(signing.loads(token or "")).partition(".")[2]
    except BadData:
        return ""


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
    app.before_request(turn_away)
    app.after_request(_guard)
    return app


def register_plugins(app: Flask, host: Host, plugins: Plugins, mounted_at: str = "") -> None:
    """Add the plugins' pages, and protect every form but those of programs.

    `mounted_at` is the path that the application answers below. A plugin's prefix that it ends with is not repeated:
    `/oscar/cpar/panels`, not `/oscar/cpar/cpar/panels`.
    """
    forms = _Forms(app, host.identity)
    for blueprint in plugins.emr_blueprints(host):
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
