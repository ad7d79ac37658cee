"""The databases of the four families: whom the roster knows there, and who may see whom."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from cpar_plugin.hooks import Actor
from oscar_host.host import OscarHost, open_host
from oscar_host.privacy import roles

from ..conftest import Oscar, Place
from .families import FAMILIES, Family

DOCTOR = Actor(actor_id="101", display_name="No101 Doctor")
MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"


@dataclass
class Clinic:
    """A small clinic in the database of a family: the doctor 101 with the role 1."""

    family: Family
    host: OscarHost
    emr: OscarHost
    names: dict[str, str]

    def sql(self, statement: str, **values: Any) -> None:
        """Run SQL in which `{name}` stands for a table."""
        with self.emr.database.writing() as connection:
            connection.execute(text(statement.format(**self.names)), values)

    def fill(self) -> None:
        oscar = Oscar(self.emr)
        oscar.provider("101", last_name="Côté")
        oscar.role("101", "doctor")
        if self.family.newer_roles:
            self.sql("INSERT INTO {secRole} (role_no, role_name) VALUES (1, 'doctor')")
            self.sql("UPDATE {secUserRole} SET sec_role_id = 1")

    def give(self, object_name: str, privilege: str, group: str = "doctor") -> None:
        """Give a privilege to the doctor's role, as the family keeps it."""
        if not self.family.newer_roles:
            Oscar(self.emr).privilege(group, object_name, privilege)
            return
        level = int(privilege != "o")
        self.sql(
            "INSERT INTO {secObjPrivilege} (roleUserGroup, secRoleId, objectName, inclusive, permission_read, "
            "permission_create) VALUES (:group, 1, :name, :level, :level, :level)",
            group=group,
            name=object_name,
            level=level,
        )

    def seen(self) -> set[int]:
        """Whom the doctor sees, by the condition and one by one."""
        patients, identity = self.host.roster.patients(), self.host.identity
        with self.host.database.engine.connect() as connection:
            everybody = set(connection.scalars(select(patients.c.patient_id)))
            query = select(patients.c.patient_id).where(identity.visible(DOCTOR, patients.c.patient_id))
            results = set(connection.scalars(query))
        assert results == {patient for patient in everybody if identity.may_see(DOCTOR, patient)}
        return results


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    """Each of them."""
    return FAMILIES[request.param]


@pytest.fixture
def make(
    place: Any, granted: Callable[[], Place], clock: Any, database_kind: str
) -> Iterator[Callable[[Family], Clinic]]:
    """Makes the clinic of a family."""
    made: list[OscarHost] = []

    def clinic_of(family: Family) -> Clinic:
        emr = open_host(place.url, host_schema=place.host_schema, clock=clock)
        emr.tables.metadata.create_all(emr.database.engine)
        juno = (emr.tables.patient_set, emr.tables.closed_set)
        names = {table.name: table.fullname for table in (*emr.tables.metadata.sorted_tables, *juno)}
        clinic = Clinic(family, emr, emr, names)
        for change in family.changes + (family.on_mariadb if database_kind == "mariadb" else ()):
            clinic.sql(change)
        ours = granted()
        clinic.host = open_host(ours.url, host_schema=ours.host_schema, clock=clock)
        made.extend((emr, clinic.host))
        clinic.fill()
        return clinic

    yield clinic_of
    for host in made:
        host.database.engine.dispose()


def patient(clinic: Clinic, number: int, **columns: Any) -> int:
    """A patient, by SQL of the family's own columns."""
    values = {
        "demographic_no": number,
        "last_name": "Müller",
        "first_name": "Zoë",
        "year_of_birth": "1980",
        "month_of_birth": "2",
        "date_of_birth": "3",
        "sex": "F",
        "hin": "1000 00001",
        "hc_type": "AB",
        "patient_status": "AC",
        "provider_no": "101",
        "lastUpdateDate": "2026-01-01 00:00:00",
    } | columns
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    clinic.sql(f"INSERT INTO {{demographic}} ({names}) VALUES ({marks})", **values)
    return number


def test_the_roster_reads_each_family(make: Callable[[Family], Clinic], family: Family) -> None:
    clinic = make(family)
    more = {"pref_name": "Zo"} if family.preferred_name else {}
    patient(clinic, 7, **{family.middle_name: " Marie "}, **more)
    oscar = Oscar(clinic.emr)
    for retired, (day, status) in enumerate([("2026-05-04", "c"), ("2026-05-05", "C")], start=8):
        patient(clinic, retired, provider_no=None)
        oscar.merge(retired, 7)
        oscar.visit(retired, day, status=status)
    roster = clinic.host.roster
    patients = roster.patients()
    with clinic.host.database.engine.connect() as connection:
        visit = roster.last_visit_on(patients.c.patient_id, clinic.host.clock.now()).label("visit")
        row = connection.execute(select(patients, visit)).mappings().one()
        name = connection.scalar(select(roster.providers().c.family_name))
    assert (row["patient_id"], row["family_name"], row["given_name"], row["phn"]) == (7, "Müller", "Zoë", "100000001")
    assert (row["middle_names"], row["preferred_name"]) == ("Marie", "Zo" if family.preferred_name else None)
    assert (row["birth_date"], row["mrp_id"], row["visit"]) == ("1980-02-03", "101", dt.date(2026, 5, 4))
    assert name == "Côté"


def test_rights_are_those_of_each_family(make: Callable[[Family], Clinic], family: Family) -> None:
    clinic = make(family)
    for number in (1, 2, 3):
        patient(clinic, number)
    assert clinic.seen() == set()
    clinic.give("_Demographic ", "x")
    clinic.give("_admin.CPAR", "x")
    assert clinic.seen() == {1, 2, 3}
    assert clinic.host.identity.has(DOCTOR, MANAGE)
    clinic.give("_demographic$1", "o")
    clinic.give("_Demographic$2 ", "r")
    assert clinic.seen() == {3}


def test_an_mrp_who_is_gone_is_none_or_unknown(make: Callable[[Family], Clinic], family: Family) -> None:
    clinic = make(family)
    patient(clinic, 1)
    with clinic.emr.database.writing() as connection:
        connection.execute(delete(clinic.host.tables.provider))
    keeps = not family.mrp_is_a_key or clinic.host.database.engine.dialect.name == "sqlite"
    with clinic.host.database.engine.connect() as connection:
        assert connection.scalar(select(clinic.host.roster.patients().c.mrp_id)) == ("101" if keeps else None)


CLOSED = "INSERT INTO {{secDemographicSet}} (id, provider_id, set_name, set_type, deleted_at) VALUES ({})"
LISTED = "INSERT INTO {{demographicSets}} (id, demographic_no, set_name, archive) VALUES ({})"


def test_a_junos_lists_close_records_to_the_providers_who_are_named(make: Callable[[Family], Clinic]) -> None:
    clinic = make(FAMILIES["Juno, with all updates"])
    clinic.give("_demographic", "x")
    for number in range(1, 9):
        patient(clinic, number)
    for row in (
        "1, '101', 'VIP', 'BLACKLIST', NULL",
        "2, '102', 'staff', 'BLACKLIST', NULL",
        "3, '101', 'lifted', 'BLACKLIST', '2026-01-01 00:00:00'",
        "4, '101', 'other', 'SOMETHING', NULL",
    ):
        clinic.sql(CLOSED.format(row))
    for row in (
        *("1, 1, 'VIP', '0'", "2, 2, 'VIP', NULL", "3, 3, 'VIP', '1'", "4, 4, 'vip', '0'", "5, NULL, 'VIP', '0'"),
        *("6, 5, 'staff', '0'", "7, 6, 'lifted', '0'", "8, 7, 'other', '0'", "9, 1, 'staff', '0'"),
    ):
        clinic.sql(LISTED.format(row))
    assert clinic.seen() == {3, 4, 5, 6, 7, 8}


def test_the_roles_of_each_family_are_counted_for_a_privacy_pack(
    make: Callable[[Family], Clinic], family: Family
) -> None:
    clinic = make(family)
    clinic.give("_demographic", "r|w")
    clinic.give("_demographic$7", "o")
    with clinic.host.database.engine.connect() as connection:
        section = roles.section(connection, clinic.host)
    rows, numbers = (grid.rows for grid in section.grids)
    [role] = rows
    assert role[0] in ("doctor", "role 1")  # the account may not read the names of a Juno's roles everywhere
    assert "read" in role[1]
    assert role[2:] == ("-", "-", "1")
    assert dict(numbers)["Rules that close the record of one patient to someone"] == "1"  # type: ignore[call-overload]
