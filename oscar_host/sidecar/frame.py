"""The frame around every page alongside OSCAR: a bar, what the plugins bring to the menu, notices."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from cpar_plugin.hooks import Plugins

from ..host import OscarHost
from .record_page import RecordPages
from .settings import SidecarSettings


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What the pages alongside OSCAR work with."""

    host: OscarHost
    plugins: Plugins
    settings: SidecarSettings


def sidecar() -> Sidecar:
    """The sidecar of the running application."""
    instance: Sidecar = current_app.extensions["sidecar"]
    return instance


@dataclass(frozen=True, slots=True)
class SidecarPages:
    """The frame for the pages of plugins. Patients have their page in OSCAR, at the address of its Master Record."""

    oscar: str  # where browsers find OSCAR
    context_path: str
    records: RecordPages

    def render(self, *, title: str, body: Markup, section: str) -> str:
        """A complete page with `body` inside the frame, for the signed-in user, or for no one."""
        host, plugins = sidecar().host, sidecar().plugins
        actor = host.identity.current()
        return render_template(
            "sidecar/frame.html",
            title=title,
            body=body,
            section=section,
            actor=actor,
            own_tab=request.headers.get("Sec-Fetch-Dest") == "document",
            oscar=self.oscar,
            menu=plugins.emr_admin_menu(host, actor) if actor else (),
            notices=plugins.emr_notices(host, actor) if actor else (),
            has_password=sidecar().settings.sign_in == "password",
        )

    def patient_href(self, patient_id: int) -> str:
        """The address of the patient's Master Record in OSCAR."""
        return f"{self.oscar}/{self.records.page().of(patient_id)}"

    def sign_in_href(self, back_to: str) -> str:
        """The address at which to sign in, or to learn how, and come back to the path `back_to`."""
        return f"{self.context_path}/sign-in?{urlencode({'next': back_to})}"


def page(title: str, template: str, status: int = HTTPStatus.OK, **context: Any) -> ResponseReturnValue:
    """A page of the sidecar itself."""
    body = Markup(render_template(f"sidecar/{template}", title=title, **context))  # noqa: S704  Jinja has escaped it
    return make_response(sidecar().host.pages.render(title=title, body=body, section=""), status)


def home() -> str:
    """Where the pages alongside OSCAR begin."""
    return url_for("home")
