"""The registry's own list of each panel, as it was uploaded last, against the members in numbers: as in `heaps`."""

from collections.abc import Mapping

from sqlalchemy import Connection, Subquery, and_, case, func, select, true

from ...domain.funnel import RegistryListed
from ...domain.reports import ReportKind
from ...hooks import Host
from ...store.tables import member, report, report_row
from . import listing


def latest_lists(connection: Connection, host: Host, panel_id: int | None) -> Mapping[int, RegistryListed]:
    """The last list of one panel, or of each, by panel. Two statements, however many there are.

    Lists of all panels together are of no panel.
    """
    latest = _latest(panel_id)
    source, _, kept_id = listing.joined(host)
    on_panel = and_(report_row.c.accepted == true(), member.c.panel_id == latest.c.panel_id)
    others = func.count(case((on_panel.is_not(True), 1)))
    rows = connection.execute(
        select(latest.c.panel_id, latest.c.report_id, report.c.received_at, others)
        .select_from(
            latest.join(report, report.c.report_id == latest.c.report_id)
            .outerjoin(source, report_row.c.report_id == latest.c.report_id)
            .outerjoin(member, member.c.patient_id == kept_id)
        )
        .where(report_row.c.report_id.is_not(None))
        .group_by(latest.c.panel_id, latest.c.report_id, report.c.received_at)
    ).all()
    only_ours = _only_ours(connection, host, panel_id)
    return {
        row[0]: RegistryListed(
            report_id=row[1],
            on=row[2].astimezone(host.clock.zone).date(),
            only_ours=only_ours.get(row[0], 0),
            only_registry=row[3],
        )
        for row in rows
    }


def _only_ours(connection: Connection, host: Host, panel_id: int | None) -> dict[int, int]:
    """Members whom no row of their panel's list is about."""
    latest = _latest(panel_id)
    source, _, kept_id = listing.joined(host)
    listed = (
        select(report_row.c.report_id, kept_id.label("patient_id"))
        .select_from(source)
        .where(report_row.c.accepted == true(), report_row.c.report_id.in_(select(_latest(panel_id).c.report_id)))
        .distinct()
        .subquery("listed")
    )
    is_listed = and_(listed.c.report_id == latest.c.report_id, listed.c.patient_id == member.c.patient_id)
    counted = (
        select(member.c.panel_id, func.count())
        .select_from(member.join(latest, latest.c.panel_id == member.c.panel_id).outerjoin(listed, is_listed))
        .where(listed.c.patient_id.is_(None))
        .group_by(member.c.panel_id)
    )
    return {row[0]: row[1] for row in connection.execute(counted)}


def _latest(panel_id: int | None) -> Subquery:
    of_panel = report.c.panel_id.is_not(None) if panel_id is None else report.c.panel_id == panel_id
    lists = select(report.c.panel_id, func.max(report.c.report_id).label("report_id"))
    return (
        lists.where(report.c.kind == ReportKind.REGISTRY_LIST, of_panel).group_by(report.c.panel_id).subquery("latest")
    )
