"""What the clinic is paid for a patient in a month, as someone has entered it."""

from sqlalchemy import Connection, select, update

from ...domain.payment import Payment
from ...domain.refusals import Stale
from ...hooks import Actor, Host
from ...store import tables
from . import clinic, record
from .record import OperationKind


def load(connection: Connection) -> Payment | None:
    """What was entered; None for nothing. One statement."""
    row = tables.clinic.c
    cents, label, as_of = connection.execute(select(row.payment_cents, row.payment_label, row.payment_as_of)).one()
    return Payment(cents, label, as_of) if cents else None


def save(host: Host, actor: Actor, payment: Payment | None, *, version: int) -> None:
    """Store it, or remove what was entered. Raises Stale when `version` of the clinic's settings is out of date."""
    with host.database.session() as session:
        site = clinic.lock(session)
        if load(session.connection()) == payment:
            return
        if site.version != version:
            raise Stale(
                "Someone else changed these settings in the meantime. Nothing was saved: review them and try again."
            )
        values = {
            "payment_cents": payment.cents if payment else None,
            "payment_label": payment.label if payment else None,
            "payment_as_of": payment.as_of if payment else None,
        }
        session.execute(update(tables.clinic).values(**values, version=version + 1))
        record.begin(session, host, actor, OperationKind.SETTINGS, detail=values)
