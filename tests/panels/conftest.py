"""A configured clinic with two doctors, and a second, plainly written reading of the ledger."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple

import pytest
from sqlalchemy import event, select

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Actor
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

DOCTORS = {"101": "100000001", "102": "100000002", "103": "100000003"}


class Placed(NamedTuple):
    """Where a patient is: what `cpar_member` holds, without the patient."""

    panel_id: int
    since: datetime
    confirmed_on: date | None
    confirmed_how: str | None


@pytest.fixture
def clerk() -> Actor:
    """Somebody who may see everybody."""
    return Actor(actor_id="-1", display_name="System")


@pytest.fixture
def site(host: OscarHost, oscar: Any, clerk: Actor) -> OscarHost:
    """The host with the integration switched on, the clinic configured, and the doctors 101, 102 and 103."""
    with oscar.at_once():
        for provider_id, digits in DOCTORS.items():
            oscar.provider(provider_id, ohip_no=digits)
    clinic.enable(host, clerk)
    clinic.save(host, clerk, name="Example Clinic", site_id="S-1", version=1)
    return host


@pytest.fixture
def make_panel(site: OscarHost, clerk: Actor) -> Callable[..., int]:
    """Make a panel by number; of doctor 101 unless others are named."""

    def make(number: str, *provider_ids: str) -> int:
        providers = [(provider_id, DOCTORS[provider_id]) for provider_id in provider_ids or ("101",)]
        return editing.create(site, clerk, panel_draft(number, ["113"], providers))

    return make


@pytest.fixture
def placed(host: OscarHost) -> Callable[[], dict[int, Placed]]:
    """Every membership, by patient."""

    def read() -> dict[int, Placed]:
        with host.database.engine.connect() as connection:
            rows = connection.execute(select(tables.member)).mappings()
            return {row["patient_id"]: Placed(*(row[field] for field in Placed._fields)) for row in rows}

    return read


@pytest.fixture
def replayed(host: OscarHost) -> Callable[[], dict[int, Placed]]:
    """Every membership as the ledger tells it. Each entry must begin where the one before it ended."""

    def read() -> dict[int, Placed]:
        state: dict[int, Placed] = {}
        entries = select(tables.ledger).order_by(tables.ledger.c.operation_id, tables.ledger.c.patient_id)
        with host.database.engine.connect() as connection:
            for row in connection.execute(entries).mappings():
                before, after = (
                    Placed(*(row[f"{side}_{field}"] for field in Placed._fields)) for side in ("from", "to")
                )
                patient_id = row["patient_id"]
                assert state.get(patient_id) == (before if before.panel_id else None)
                state.pop(patient_id, None)
                if after.panel_id:
                    state[patient_id] = after
        return state

    return read


@pytest.fixture
def statements(host: OscarHost) -> Callable[[], AbstractContextManager[list[str]]]:
    """A context in which every SQL statement is written down."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
            if statement != "BEGIN":
                seen.append(statement)

        event.listen(host.database.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(host.database.engine, "before_cursor_execute", note)

    return counting


@pytest.fixture
def others(host: OscarHost) -> Callable[[], dict[tuple[int, str], tuple[int, date | None]]]:
    """Who is on what, and the date of the form: by patient and kind. The ledger alone explains it."""

    def read() -> dict[tuple[int, str], tuple[int, date | None]]:
        replayed: dict[tuple[int, str], tuple[Any, ...]] = {}
        entries = select(tables.other_ledger).order_by(tables.other_ledger.c.operation_id)
        with host.database.engine.connect() as connection:
            for row in connection.execute(entries):
                key = (row.patient_id, row.kind)
                before = (row.from_other_panel_id, row.from_since, row.from_signed_on)
                assert replayed.get(key) == (before if row.from_other_panel_id else None)
                replayed.pop(key, None)
                if row.to_other_panel_id:
                    replayed[key] = (row.to_other_panel_id, row.to_since, row.to_signed_on)
            rows = connection.execute(select(tables.other_member)).all()
        now = {(row.patient_id, row.kind): (row.other_panel_id, row.since, row.signed_on) for row in rows}
        assert now == replayed
        return {key: (panel_id, signed) for key, (panel_id, _, signed) in now.items()}

    return read
