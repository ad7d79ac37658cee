"""What the plugin adds around its own pages: the entry in the administration menu, and notices."""

from dataclasses import replace

from flask import g, url_for

from ..hooks import Actor, HealthLevel, Host, MenuItem, Notice
from ..services.operations import access, clinic
from ..services.submissions import notices as service
from ..settings import load
from .rendering import SECTION

_LABEL = "CPAR Panel Management"
_ONE_BY_ONE = 3  # failed panels: more are one sentence, since notices are above every page


def menu(host: Host, actor: Actor) -> list[MenuItem]:
    """Panel management, for those who may, once the integration is enabled."""
    if not host.identity.has(actor, access.MANAGE):
        return []
    if not g.get("cpar_enabled"):
        with host.database.engine.connect() as connection:
            if not clinic.load(connection).enabled:
                return []
    items = [MenuItem(section=SECTION, label=_LABEL, href=url_for("cpar.panels"))]
    if host.identity.has(actor, access.REGISTER_CLIENTS):
        items.append(MenuItem(section=SECTION, label="FHIR Clients", href=url_for("cpar.clients")))
    return items


def notices(host: Host, actor: Actor) -> list[Notice]:
    """What went wrong with submissions, for those who manage panels."""
    if not host.identity.has(actor, access.MANAGE):
        return []
    with host.database.engine.connect() as connection:
        failures = service.notices(connection, host, load(host.settings), host.clock.now())
    of_panels = [failure for failure in failures if failure.panel_id]
    if len(of_panels) > _ONE_BY_ONE:
        text = (
            f"The last submission failed for {len(of_panels)} panels. Submission History shows why and how to fix it."
        )
        failures = [*(failure for failure in failures if not failure.panel_id), replace(of_panels[0], text=text)]
    return [
        Notice(
            level=HealthLevel.FAILURE,
            message=failure.text,
            href=url_for("cpar.submissions") if failure.panel_id else "",
        )
        for failure in failures
    ]
