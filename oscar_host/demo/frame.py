"""The embedded EMR's frame around every page: header, administration menu, notices."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import current_app, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from cpar_plugin.domain.dates import birth_date_text, date_text
from cpar_plugin.hooks import Actor, MenuItem, Plugins
from cpar_plugin.host_kit.pages import PlainPages

from ..host import OscarHost


@dataclass(frozen=True, slots=True)
class Emr:
    """What the pages of the embedded EMR work with."""

    host: OscarHost
    plugins: Plugins


def emr() -> Emr:
    """The EMR of the running application."""
    instance: Emr = current_app.extensions["emr"]
    return instance


def menu(actor: Actor) -> list[MenuItem]:
    """What the actor may open of the administration: the EMR's own pages, and those that plugins bring."""
    items = [
        MenuItem(section="User Management", label="Assign Role to Provider", href=url_for("assign_role")),
        MenuItem(section="Manage Role", label="Create New Role", href=url_for("new_role")),
        MenuItem(section="Manage Role", label="All Roles", href=url_for("roles")),
    ]
    administers = emr().host.identity.administers(actor)
    return [*(items if administers else ()), *emr().plugins.emr_admin_menu(emr().host, actor)]


class EmbeddedPages(PlainPages):
    """The frame, also for the pages of plugins. A `section` of the administration brings its menu along."""

    def render(self, *, title: str, body: Markup, section: str) -> str:
        """A complete page with `body` inside the frame, for the signed-in user, or for no one."""
        actor = emr().host.identity.current()
        return render_template(
            "emr/frame.html",
            title=title,
            body=body,
            section=section,
            actor=actor,
            menu=menu(actor) if actor else (),
            of_the_day=emr().plugins.emr_schedule_menu(emr().host, actor) if actor else (),
            notices=emr().plugins.emr_notices(emr().host, actor) if actor else (),
        )


def page(
    title: str, template: str, status: int = HTTPStatus.OK, *, section: str = "", **context: Any
) -> ResponseReturnValue:
    """A page of the EMR itself."""
    dates = {"day": date_text, "birth_date": birth_date_text}
    body = Markup(render_template(f"emr/{template}", title=title, **dates, **context))  # noqa: S704  Jinja has escaped it
    return make_response(emr().host.pages.render(title=title, body=body, section=section), status)
