"""A stand-in for OSCAR itself: where people sign in, the pages that they open there, and the question who they are."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from flask import Flask, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

PAGES = Path(__file__).parent / "pages"
PASSWORD = "any-password"
_COOKIE = "JSESSIONID"


@dataclass
class Oscar:
    """A running OSCAR, and how it is set up. The user name of everybody is their provider id.

    `scripts` are those for customizing, by name; `custom` is what the Master Record loads; `included` stands for the
    file that its right column includes; `right` tells whether it has that column.
    """

    port: int = 0
    patient_id: int = 0
    scripts: dict[str, str] = field(default_factory=dict)
    custom: list[str] = field(default_factory=lambda: ["/oscar/js/custom/clinic/master.js"])
    included: str = ""
    right: bool = True
    sessions: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)  # the headers with which its REST was asked
    _server: BaseWSGIServer | None = field(default=None, repr=False)

    def as_usual(self) -> None:
        """Set it up as most are."""
        usual = Oscar()
        self.scripts, self.custom, self.included, self.right = usual.scripts, usual.custom, "", True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oscar"

    def start(self) -> None:
        """Answer from now on: again at the same port, or at one of its own."""
        self._server = make_server("127.0.0.1", self.port, _app(self), threaded=True, request_handler=_Silent)
        self.port = self._server.port
        Thread(target=self._server.serve_forever).start()

    def stop(self) -> None:
        """Answer no more, and refuse connections."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _app(oscar: Oscar) -> Flask:
    app = Flask(__name__, template_folder=str(PAGES))

    def provider() -> str:
        found = oscar.sessions.get(request.cookies.get(_COOKIE, ""))
        if not found:
            abort(redirect("/oscar/"))
        return found

    @app.get("/oscar/")
    def sign_in() -> ResponseReturnValue:
        return render_template("sign_in.html")

    @app.post("/oscar/login.do")
    def login() -> ResponseReturnValue:
        if request.form["password"] != PASSWORD:
            abort(403)
        value = secrets.token_hex(16).upper()
        oscar.sessions[value] = request.form["username"]
        answer = redirect("/oscar/provider/providercontrol.jsp")
        answer.set_cookie(_COOKIE, value, path="/oscar", httponly=True)
        return answer

    @app.get("/oscar/logout.jsp")
    def logout() -> ResponseReturnValue:
        oscar.sessions.pop(request.cookies.get(_COOKIE, ""), None)
        answer = redirect("/oscar/")
        answer.set_cookie(_COOKIE, secrets.token_hex(16).upper(), path="/oscar", httponly=True)  # nobody's session
        return answer

    @app.get("/oscar/provider/providercontrol.jsp")
    def schedule() -> ResponseReturnValue:
        provider()
        return render_template("schedule.html", patient_id=oscar.patient_id)

    @app.get("/oscar/demographic/demographiccontrol.jsp")
    def master_record() -> ResponseReturnValue:
        provider()
        patient_id = request.args["demographic_no"]
        return render_template(
            "master_record.html",
            patient_id=patient_id,
            custom=oscar.custom,
            included=Markup(oscar.included),
            right=oscar.right,
        )

    @app.get("/oscar/administration/")
    def administration() -> ResponseReturnValue:
        provider()
        return render_template("administration.html")

    @app.get("/oscar/share/javascript/prototype.js")
    def prototype() -> ResponseReturnValue:
        return Response((PAGES / "prototype.js").read_text(), mimetype="application/javascript")

    @app.get("/oscar/js/jquery.js")
    def jquery() -> ResponseReturnValue:
        return Response((PAGES / "jquery.js").read_text(), mimetype="application/javascript")

    @app.get("/oscar/js/custom/clinic/<name>.js")
    def custom(name: str) -> ResponseReturnValue:
        if name not in oscar.scripts:
            abort(404)
        answer = Response(oscar.scripts[name], mimetype="application/javascript")
        answer.headers["Last-Modified"] = "Wed, 01 Jan 2020 00:00:00 GMT"
        return answer.make_conditional(request)

    @app.get("/oscar/ws/rs/providerService/provider/me")
    def me() -> ResponseReturnValue:
        oscar.cookies.append(request.headers.get("Cookie", ""))
        found = oscar.sessions.get(request.cookies.get(_COOKIE, ""))
        if not found:
            return "Unauthorized", 401
        return {"providerNo": found, "firstName": "Ada", "lastName": "Example", "status": "1"}

    return app


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        pass
