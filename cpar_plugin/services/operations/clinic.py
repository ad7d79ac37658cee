"""The clinic's own settings, and the lock under which memberships change."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, select, update
from sqlalchemy.exc import OperationalError

from ...domain.identifiers import CLINIC_NAME_LENGTH, TEXT_LENGTH, issued_text
from ...domain.refusals import Refused, Stale
from ...domain.removal import GIVEN_REASONS, RemovalRules, own_reasons
from ...hooks import Actor, Host
from ...store import tables
from ...store.waiting import waited_too_long
from . import record
from .record import OperationKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_THE_CLINIC = 1


@dataclass(frozen=True, slots=True)
class Clinic:
    """Whether the integration is enabled, and what the Confirmation of Participation Form says of the clinic."""

    enabled: bool
    name: str
    site_id: str
    version: int
    exclusions_seen: bool = False  # someone has looked at those of a panel
    checklist_dismissed: bool = False
    removal: RemovalRules = GIVEN_REASONS

    @property
    def configured(self) -> bool:
        """Whether panels can be made, filled and submitted."""
        return bool(self.name and self.site_id)


def load(connection: Connection) -> Clinic:
    """The clinic with its current settings."""
    return _clinic(connection, _row())


def restored_at(connection: Connection) -> datetime | None:
    """When the work after a restore was last done (services.health.after_restore); None for never."""
    return connection.scalar(select(tables.clinic.c.restored_at))


def lock(session: "Session") -> Clinic:
    """Make every other change of memberships and panels wait until this transaction ends. To be called first.

    Raises Refused when another change takes longer than the database waits.
    """
    try:
        return _clinic(session.connection(), _row().with_for_update())
    except OperationalError as error:
        if waited_too_long(error):
            raise Refused("Another large change is in progress. Nothing was changed: try again shortly.") from None
        raise


def _row() -> Select[Any]:
    clinic = tables.clinic.c
    enabled = clinic.enabled_at.is_not(None)
    seen, dismissed = clinic.exclusions_seen_at.is_not(None), clinic.checklist_dismissed_at.is_not(None)
    removal = clinic.removal_reasons, clinic.removal_reason_required_at
    columns = (enabled, clinic.name, clinic.site_id, clinic.version, seen, dismissed, *removal)
    return select(*columns).where(clinic.clinic_id == _THE_CLINIC)


def _clinic(connection: Connection, row: Select[Any]) -> Clinic:
    enabled, name, site_id, version, seen, dismissed, own, required_at = connection.execute(row).one()
    return Clinic(enabled, name, site_id, version, seen, dismissed, removal_rules(own, required_at))


def removal_rules(own: str | None, required_at: datetime | None) -> RemovalRules:
    """As the columns of the clinic have them."""
    return RemovalRules(tuple((own or "").splitlines()), required_at is not None)


def save(
    host: Host,
    actor: Actor,
    *,
    name: str,
    site_id: str,
    version: int,
    removal_reasons: str | None = None,
    removal_reason_required: bool | None = None,
) -> None:
    """Enter the clinic's name and Site ID, and its reasons for removals, which None leaves as they are.

    Nothing is done where they have these values already. Raises Refused (`name`, `site_id`, `removal_reasons`), Stale
    when `version` is out of date.
    """
    values, messages = {}, {}
    for field, text, label, length in (
        ("name", name, "Clinic Name as submitted on the Confirmation of Participation Form", CLINIC_NAME_LENGTH),
        ("site_id", site_id, "Site ID as submitted on the Confirmation of Participation Form", TEXT_LENGTH),
    ):
        try:
            values[field] = issued_text(text, field, label, length)
        except Refused as refused:
            messages.update(refused.messages)
    own: tuple[str, ...] | None = None
    if removal_reasons is not None:
        try:
            own = own_reasons(removal_reasons)
        except Refused as refused:
            messages.update(refused.messages)
    if messages:
        raise Refused(messages)
    with host.database.session() as session:
        site = lock(session)
        required = site.removal.required if removal_reason_required is None else removal_reason_required
        removal = RemovalRules(site.removal.own if own is None else own, required)
        if (site.name, site.site_id, site.removal) == (values["name"], values["site_id"], removal):
            return
        if site.version != version:
            raise Stale(
                "Someone else changed these settings in the meantime. Nothing was saved: review them and try again."
            )
        columns = {
            "removal_reasons": "\n".join(removal.own) or None,
            "removal_reason_required_at": host.clock.now() if removal.required else None,
        }
        session.execute(update(tables.clinic).values(**values, **columns, version=version + 1))
        detail = {**values, "removal_reasons": removal.own, "removal_reason_required": removal.required}
        record.begin(session, host, actor, OperationKind.SETTINGS, detail=detail)


def exclusions_seen(host: Host) -> None:
    """Someone looks at the exclusions of a panel: the look itself is in the audit trail."""
    first = tables.clinic.c.exclusions_seen_at.is_(None)
    with host.database.session() as session:
        session.execute(update(tables.clinic).where(first).values(exclusions_seen_at=host.clock.now()))


def dismiss_checklist(host: Host, actor: Actor) -> None:
    """Show the checklist of the first day no longer. Nothing is done where it was dismissed already."""
    with host.database.session() as session:
        if not lock(session).checklist_dismissed:
            session.execute(update(tables.clinic).values(checklist_dismissed_at=host.clock.now()))
            record.begin(session, host, actor, OperationKind.DISMISS_CHECKLIST)


def enable(host: Host, actor: Actor) -> bool:
    """Switch the integration on: every patient page shows the panel. False when it was on already."""
    return _switch(host, actor, on=True)


def disable(host: Host, actor: Actor) -> bool:
    """Switch the integration off. Nothing is deleted. False when it was off already."""
    return _switch(host, actor, on=False)


def _switch(host: Host, actor: Actor, *, on: bool) -> bool:
    with host.database.session() as session:
        if lock(session).enabled == on:
            return False
        session.execute(update(tables.clinic).values(enabled_at=host.clock.now() if on else None))
        record.begin(session, host, actor, OperationKind.ENABLE if on else OperationKind.DISABLE)
        return True
