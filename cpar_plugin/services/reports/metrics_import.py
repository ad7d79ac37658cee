"""Take the counts of a report of metrics over into the months of the panels that its rows name."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Final

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...domain.bands import month_starts
from ...domain.list_columns import ColumnField
from ...domain.list_panels import NamedPanel, NamedProvider, proposed_panel
from ...domain.metrics import MONTHS, RegistryCounts, counted, month_named
from ...hooks import Actor, Host
from ...store.tables import panel, panel_provider, report_row
from ..roster.providers import provider_name, with_practitioner_ids
from . import metrics

_STREAMED: Final = 500
_row = report_row.c


def take_over(session: Session, host: Host, actor: Actor, report_id: int, panel_id: int | None) -> int:
    """Of the rows that name a live panel (or none, where the report is about one), and no month twice for it.

    Returns for how many panels and months. Needs `clinic.lock`.
    """
    today = host.clock.now().astimezone(host.clock.zone).date()
    panels, months = _named_panels(session, host), set(month_starts(today, MONTHS))
    named: dict[str, int | None] = {"": panel_id}
    found: dict[tuple[int, date], RegistryCounts] = {}
    rows: Counter[tuple[int, date]] = Counter()
    query = select(_row.panel_text, _row.details).where(_row.report_id == report_id).order_by(_row.row_number)
    for row in session.execute(query.execution_options(yield_per=_STREAMED)):
        details = {ColumnField(field): text for field, text in orjson.loads(row.details).items()}
        if row.panel_text not in named:
            named[row.panel_text] = proposed_panel(row.panel_text, panels) or panel_id
        place = named[row.panel_text]
        month = month_named(details.get(ColumnField.REPORTED_ON, ""), today)
        numbers = [counted(details.get(field, "")) for field in (ColumnField.RECEIVED, ColumnField.ATTACHED)]
        counts = RegistryCounts(numbers[0], numbers[1], today)
        if place and month in months and counts.present and panel_id in (None, place):
            rows[place, month] += 1
            found[place, month] = counts
    once = [key for key, times in rows.items() if times == 1]
    return sum(metrics.add(session, host, actor, *key, found[key], report_id) for key in once)


def _named_panels(session: Session, host: Host) -> Sequence[NamedPanel]:
    """The live panels, as reports may name them. Two statements."""
    live = panel.c.deleted_at.is_(None)
    rows = session.execute(select(panel.c.panel_id, panel.c.number).where(live))
    numbers = {row.panel_id: row.number for row in rows}
    on_panel = panel_provider
    query = with_practitioner_ids(host, on_panel).add_columns(on_panel.c.panel_id)
    found = session.execute(query.where(on_panel.c.panel_id.in_(numbers)).order_by(on_panel.c.panel_id)).all()
    providers = {
        panel_id: [
            NamedProvider(
                provider_name(row.family_name, row.given_name, row.provider_id), row.provider_id, row.practitioner_id
            )
            for row in group
        ]
        for panel_id, group in groupby(found, lambda row: row.panel_id)
    }
    return [NamedPanel(panel_id, number, providers.get(panel_id, [])) for panel_id, number in numbers.items()]
