"""Which patients an order covers, as SQL, and why it skips some of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal, not_, null

from ...domain.confirmation import ConfirmedHow
from ...hooks import Host, StatusKind
from ...store import ledger
from ...store.types import Moment


class SkipReason(StrEnum):
    """Why an order skips a patient in its scope. The first that holds is reported, so that no status is disclosed."""

    NOT_VISIBLE = "not-visible"
    OTHER_STATUS = "other-status"
    OTHER_PANEL = "other-panel"
    ALREADY_ON_PANEL = "already-on-panel"
    SEVERAL_PANELS = "several-panels"
    KEEPS_PANEL = "keeps-panel"
    NO_RULE = "no-rule"
    DECEASED = "deceased"
    CONFIRMED_TODAY = "confirmed-today"


@dataclass(frozen=True, slots=True)
class Scope:
    """The patients that an order is about, as SQL, and what each must meet: else it is skipped, for that reason."""

    source: FromClause
    patient: FromClause  # the roster's, within `source`: all NULL for a member without a record
    patient_id: ColumnElement[int]
    includes: ColumnElement[bool]  # of the MRP, on the panel, or selected
    requires: dict[SkipReason, ColumnElement[bool]]  # never NULL
    own_panel_id: ColumnElement[Any] = field(default_factory=null)  # with Fill, Attach, Depart: the panel it puts on

    @property
    def status(self) -> ColumnElement[str]:
        """The patient's status in the host, '' for none."""
        return status_of(self.patient)

    @property
    def changes(self) -> ColumnElement[bool]:
        """Whether the order changes this patient."""
        # What is asked of rights comes last: it costs most.
        return and_(
            self.includes, *(self.requires[reason] for reason in reversed(SkipReason) if reason in self.requires)
        )

    @property
    def skip_reason(self) -> ColumnElement[str | None]:
        """Why the order skips this patient of its scope; NULL for one that it changes."""
        return case(
            *((not_(self.requires[reason]), literal(reason.value)) for reason in SkipReason if reason in self.requires),
        )


def status_of(patient: FromClause) -> ColumnElement[str]:
    """A patient's status in the host, '' for none."""
    return func.coalesce(patient.c.status, "")


def deceased_statuses(host: Host) -> list[str]:
    """The host's statuses of patients who have died."""
    return [status for status, kind in host.roster.status_kinds.items() if kind is StatusKind.DECEASED]


def confirmed_by_visit(
    host: Host, scope: Scope, panel_id: ColumnElement[int], how: ConfirmedHow = ConfirmedHow.LAST_VISIT
) -> ledger.Columns:
    """On a panel since now. The last visit is named once: databases look it up again for each mention."""
    now = host.clock.now()
    visit = host.roster.last_visit_on(scope.patient_id, now)
    return (panel_id, literal(now, Moment), visit, literal(how.value))
