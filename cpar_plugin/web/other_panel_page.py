"""The page of an affiliation or a caseload: who is on it, on the screen, on paper, and as a file."""

from flask import g, request
from flask.typing import ResponseReturnValue

from ..hooks import Actor, Host
from ..services.other_panels import listing, members
from ..services.other_panels.listing import OtherPanel
from ..services.roster import merges
from .downloads import csv_download
from .inputs import page_number
from .rendering import long_page, page
from .serving import ID, Needs, Route


def other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """A page of its patients, by name."""
    merges.catch_up_to_show(host)
    place = page_number(request.args.get("page", ""))
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
        shown = members.members_page(connection, host, actor, other_id, place)
    pages = max(-(-shown.total // members.PAGE_SIZE), 1)
    return page(host, _title(panel), "other_panel.html", panel=panel, members=shown, place=place, pages=pages)


def print_other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """All of them on paper."""
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        panel = listing.get(connection, host, other_id)
        return long_page(
            host,
            actor,
            _title(panel),
            "other_panel_print.html",
            connection,
            panel=panel,
            members=members.all_members(connection, host, actor, other_id),
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
        )
    except BaseException:
        connection.close()
        raise


def export_other_panel(host: Host, actor: Actor, other_id: int) -> ResponseReturnValue:
    """All of them as a file."""
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
    today = host.clock.now().astimezone(host.clock.zone).date()
    name = f"{panel.kind.noun} {panel.name} {today}"
    return csv_download(host, actor, name, members.export(host, actor, other_id))


def _title(panel: OtherPanel) -> str:
    return f"{panel.kind.label}: {panel.name}"


_ONE = f"/panels/other/<{ID}:other_id>"
ROUTES = (
    Route(_ONE, other_panel, Needs.MANAGEMENT),
    Route(f"{_ONE}/print", print_other_panel, Needs.MANAGEMENT),
    Route(f"{_ONE}/export", export_other_panel, Needs.MANAGEMENT),
)
