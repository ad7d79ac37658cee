"""From the EMR to the payment: how many patients each step loses, of one panel and of the clinic, and where they are.

A step's number is of all patients. Its list has those that the reader may see, and says how many it does not show.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from flask import g
from flask.typing import ResponseReturnValue

from ..domain.coverage import CoverageUse
from ..domain.floor import REBUILD_DAYS, FloorKind
from ..domain.funnel import STEP_LABELS, FunnelStep, totals
from ..hooks import Actor, Host
from ..services.funnel import figures as service
from ..services.funnel.funnel_csv import export
from ..services.funnel.kept_months import months_together
from ..services.operations import payment
from ..services.panels import listing
from ..services.panels.listing import Panel
from ..services.roster import merges
from ..settings import load
from . import charts
from .downloads import csv_of_counts
from .rendering import page
from .serving import ID, Needs, Route

TREND_MONTHS: Final = 6


def panel_funnel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """One panel."""
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, panel_id)
        hidden, paid = service.hidden_members(connection, host, actor, panel_id), payment.load(connection)
        funnel = service.funnels(connection, host, load(host.settings), panel_id)[panel_id]
    return page(
        host,
        f"From the EMR to the payment: panel {panel.number}",
        "funnel.html",
        panel=panel,
        funnel=funnel,
        hidden=hidden,
        payment=paid,
        months=funnel.months[-TREND_MONTHS:],
        rebuild=REBUILD_DAYS,
        floor_kinds=FloorKind,
        today=_today(host),
        **_context(host),
    )


def funnel(host: Host, actor: Actor) -> ResponseReturnValue:
    """All panels together, and each."""
    merges.catch_up_to_show(host)
    with host.database.engine.connect() as connection:
        live_panels = listing.live_panels(connection, host)
        hidden, paid = service.hidden_members(connection, host, actor, None), payment.load(connection)
        funnels = service.funnels(connection, host, load(host.settings), None)
    panels = [panel for panel in live_panels if panel.state.is_submitted and panel.panel_id in funnels]
    shown = [funnels[panel.panel_id] for panel in panels]
    return page(
        host,
        "From the EMR to the payment: all panels",
        "funnel_of_clinic.html",
        panels=panels,
        ended=sum(not panel.state.is_submitted for panel in live_panels),
        funnels_by_panel=funnels,
        totals=totals(one.steps for one in shown),
        months=months_together(one.months for one in shown)[-TREND_MONTHS:],
        hidden=hidden,
        payment=paid,
        **_context(host),
    )


def export_panel_funnel(host: Host, _: Actor, panel_id: int) -> ResponseReturnValue:
    """The steps of one panel as a file for a spreadsheet."""
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, panel_id)
    return _export(host, panel_id, [panel], f"funnel panel {panel.number}")


def export_funnel(host: Host, _: Actor) -> ResponseReturnValue:
    """The same of every panel."""
    with host.database.engine.connect() as connection:
        panels = [panel for panel in listing.live_panels(connection, host) if panel.state.is_submitted]
    return _export(host, None, panels, "funnel")


def _export(host: Host, panel_id: int | None, panels: Sequence[Panel], name: str) -> ResponseReturnValue:
    merges.catch_up_to_show(host)
    today = _today(host)
    with host.database.engine.connect() as connection:
        funnels = service.funnels(connection, host, load(host.settings), panel_id)
    return csv_of_counts(f"{name} {today}", export(panels, funnels))


def _today(host: Host) -> date:
    return host.clock.now().astimezone(host.clock.zone).date()


def _context(host: Host) -> dict[str, Any]:
    return {
        "labels": STEP_LABELS,
        "kinds": FunnelStep,
        "charts": charts,
        "coverage_use": load(host.settings).coverage,
        "coverage_uses": CoverageUse,
        "now": host.clock.now(),
        "clinic_name": g.cpar_clinic.name,
    }


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/funnel", panel_funnel, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/funnel/export", export_panel_funnel, Needs.MANAGEMENT),
    Route("/funnel", funnel, Needs.MANAGEMENT),
    Route("/funnel/export", export_funnel, Needs.MANAGEMENT),
)
