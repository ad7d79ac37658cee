"""The overview in pictures: of one panel, or of all of the clinic's panels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import url_for
from flask.typing import ResponseReturnValue

from ..domain.bands import AGES, LAPSES, YEARS_AGO
from ..domain.gender import Gender
from ..domain.reasons import Reason
from ..domain.wording import WORDING
from ..hooks import Actor, Host
from ..services import overview as service
from ..services.panels import listing
from ..services.reports import metrics, metrics_of_panels
from ..services.roster import rates
from ..settings import load
from . import charts
from .rates import MONTHS
from .rendering import page
from .serving import ID, Needs, Route


@dataclass(frozen=True, slots=True)
class Bar:
    """How many there are of something; `href` leads to them, "" where no page lists them."""

    label: str
    count: int
    href: str = ""


def overview(host: Host, actor: Actor) -> ResponseReturnValue:
    """All panels together."""
    return _page(host, actor, None)


def panel_overview(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """One panel."""
    return _page(host, actor, panel_id)


def _page(host: Host, actor: Actor, panel_id: int | None) -> ResponseReturnValue:
    rates.count_to_show(host, load(host.settings))
    with host.database.engine.connect() as connection:
        number = listing.live_number(connection, panel_id) if panel_id else ""
        members = service.members(connection, host, actor, load(host.settings), panel_id)
        months = service.months(connection, host, actor, panel_id, members.patients)
        nights = service.nights(connection, panel_id)
        continuity = service.continuity(connection, host, actor, load(host.settings), panel_id)
        month_rates = rates.by_month(connection, panel_id, MONTHS)
        registry = metrics.months(connection, host, panel_id, MONTHS) if panel_id else []
        by_panel = metrics_of_panels.last_counts(connection, host) if not panel_id else []
    return page(
        host,
        f"Overview of panel {number}" if panel_id else "Overview of all panels",
        "overview.html",
        panel_id=panel_id,
        members=members,
        next_submission=members.next_submission,
        confirmed=_lapses(members.confirmed),
        confirmed_ago=_years_ago(members.confirmed),
        seen=_lapses(members.seen),
        seen_ago=_years_ago(members.seen),
        reasons=_reasons(members.next_submission.reasons, panel_id),
        ages=AGES,
        genders=Gender,
        months=months,
        nights=nights,
        month_rates=month_rates,
        continuity=continuity,
        metrics=[one for one in registry if one.sent is not None or one.counts.present],
        metrics_of_panels=by_panel,
        charts=charts,
    )


def _lapses(counts: Mapping[str, int]) -> Sequence[Bar]:
    return [Bar(lapse, counts.get(lapse, 0)) for lapse in LAPSES]


def _years_ago(counts: Mapping[str, int]) -> dict[int, int]:
    """How many have waited for so many years or longer."""
    return {years: sum(counts.get(lapse, 0) for lapse in lapses) for years, lapses in YEARS_AGO.items()}


def _reasons(counts: Mapping[Reason, int], panel_id: int | None) -> Sequence[Bar]:
    return [
        Bar(
            WORDING[reason].label,
            counts[reason],
            url_for("cpar.panel", panel_id=panel_id, show=reason.value)
            if panel_id
            else url_for("cpar.exclusions", reason=reason.value),
        )
        for reason in sorted(filter(counts.get, Reason), key=lambda reason: -counts[reason])
    ]


ROUTES = (
    Route("/overview", overview, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/overview", panel_overview, Needs.MANAGEMENT),
)
