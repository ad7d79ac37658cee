"""The rights that the tables give, against a second statement of OSCAR's rules in plain words."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from cpar_plugin.hooks import Actor
from oscar_host.host import OscarHost

from ..examples import examples

MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"
ME = Actor(actor_id="101", display_name="No101 Doctor")
ORDER = "doruwx"  # a letter holds those before it
PATIENTS = (1, 2, 3)

Row = tuple[str, str, str, int | None]  # group, object, privilege, priority

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["doctor", "Doctor", "doctor ", "nurse", "101", "102"]),
        st.sampled_from(
            [
                *("_admin", "_Admin ", "_admin.cpar", "_ADMIN.CPAR", "_demographic", "_Demographic  "),
                *("_demographic$1", "_DEMOGRAPHIC$1 ", "_demographic$2", "_demographic$02", "_demographic$12"),
            ]
        ),
        st.sampled_from(["x", "w", "u", "r", "o", "d", "", "r|w", "o|x", "|r|", "d|o", " o "]),
        st.sampled_from([0, 0, 0, 1, 2, -1, None]),
    ),
    max_size=10,
    # As the tables' own key has it, which looks at no case and no blank at the end.
    unique_by=lambda row: (row[0].rstrip().lower(), row[1].rstrip().lower()),
)
ROLES = st.sets(st.sampled_from(["doctor", "nurse", "Nurse", "nurse "]))


def letters_read(rows: list[Row], groups: set[str], object_name: str) -> set[str]:
    """The letters that OSCAR comes upon on its walk over the rows of an object.

    Rows of one priority other than 0 have no order: whichever came first would end the walk. The answers for those are
    taken from the group that comes first by name.
    """
    own = sorted(row for row in rows if row[1].rstrip().lower() == object_name and row[0] in groups)
    read: set[str] = set()
    for priority in sorted({row[3] or 0 for row in own}, reverse=True):
        at_this = [row for row in own if (row[3] or 0) == priority]
        for row in at_this if priority == 0 else at_this[:1]:
            read |= {letter.strip() for letter in row[2].split("|")} - {""}
        if priority != 0:
            break
    return read


def expected(rows: list[Row], groups: set[str]) -> tuple[bool, set[int]]:
    """Whether the provider manages panels, and whom they see."""

    def may(object_name: str, required: str) -> bool:
        return any(ORDER.index(letter) >= ORDER.index(required) for letter in letters_read(rows, groups, object_name))

    def is_closed(patient: int) -> bool:
        of_this_patient = f"_demographic${patient}"
        return any(
            set(privilege) & set("oruwx")
            for group, name, privilege, _ in rows
            if group in groups and name.rstrip().lower() == of_this_patient
        )

    seen = {patient for patient in PATIENTS if not is_closed(patient)} if may("_demographic", "r") else set()
    return may("_admin", "r") or may("_admin.cpar", "w"), seen


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, roles=ROLES)
def test_the_tables_give_what_oscars_rules_say_in_plain_words(
    host: OscarHost, emr: OscarHost, oscar: Any, rows: list[Row], roles: set[str]
) -> None:
    tables = oscar.tables
    with emr.database.writing() as connection:
        for table in (tables.demographic, tables.provider, tables.user_role, tables.object_privilege):
            connection.execute(delete(table))
    oscar.provider("101")
    oscar.role("101", *roles)
    for patient in PATIENTS:
        oscar.patient(demographic_no=patient)
    for group, object_name, privilege, priority in rows:
        oscar.privilege(group, object_name, privilege, priority)
    manages, seen = expected(rows, {"101", *roles})
    assert host.identity.has(ME, MANAGE) is manages
    assert {patient for patient in PATIENTS if host.identity.may_see(ME, patient)} == seen
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        query = select(patients.c.patient_id).where(host.identity.visible(ME, patients.c.patient_id))
        assert set(connection.scalars(query)) == seen


class Juno:
    """Writes rows into tables with the columns of a newer Juno."""

    def __init__(self, oscar: Any) -> None:
        self._oscar = oscar
        self._tables = oscar.tables
        table = self._tables.object_privilege.fullname
        boolean = "SMALLINT NOT NULL DEFAULT"
        self.sql(f"DROP TABLE {table}")
        self.sql(
            f"CREATE TABLE {table} (secRoleId INTEGER NOT NULL, roleUserGroup VARCHAR(30), "
            f"objectName VARCHAR(100) NOT NULL, privilege VARCHAR(100), priority INTEGER, provider_no VARCHAR(6), "
            f"permission_read {boolean} 0, permission_update {boolean} 0, permission_create {boolean} 0, "
            f"permission_delete {boolean} 0, inclusive {boolean} 1, deleted_at TIMESTAMP NULL, "
            "PRIMARY KEY (secRoleId, objectName))"
        )
        self.sql(f"ALTER TABLE {self._tables.user_role.fullname} ADD COLUMN sec_role_id INTEGER")
        for column in ("parent_sec_role_id INTEGER", "deleted_at TIMESTAMP NULL"):
            self.sql(f"ALTER TABLE {self._tables.role.fullname} ADD COLUMN {column}")

    def sql(self, statement: str) -> None:
        with self._oscar.database.writing() as connection:
            connection.exec_driver_sql(statement)

    def role(self, number: int, parent: int | None = None, deleted: bool = False) -> None:
        """A role, which may inherit from another."""
        with self._oscar.database.writing() as connection:
            connection.execute(insert(self._tables.role).values(role_no=number, role_name=f"role {number}"))
        more = [f"parent_sec_role_id = {parent}"] if parent else []
        more += ["deleted_at = '2026-01-01 00:00:00'"] if deleted else []
        for assignment in more:
            self.sql(f"UPDATE {self._tables.role.fullname} SET {assignment} WHERE role_no = {number}")

    def holds(self, number: int) -> None:
        """Give the role to the provider 101."""
        self._oscar.role("101", f"role {number}")
        self.sql(
            f"UPDATE {self._tables.user_role.fullname} SET sec_role_id = {number} WHERE role_name = 'role {number}'"
        )

    def gives(self, number: int, object_name: str, levels: str, inclusive: bool = True, deleted: bool = False) -> None:
        """Let a role give the levels, of `rucd`, on an object."""
        at = "'2026-01-01 00:00:00'" if deleted else "NULL"
        flags = ", ".join(str(int(level in levels)) for level in "rucd")
        self.sql(
            f"INSERT INTO {self._tables.object_privilege.fullname} (secRoleId, objectName, privilege, permission_read, "
            f"permission_update, permission_create, permission_delete, inclusive, deleted_at) "
            f"VALUES ({number}, '{object_name}', 'x', {flags}, {int(inclusive)}, {at})"
        )


@pytest.fixture
def juno(host: OscarHost, oscar: Any) -> Juno:
    """The provider 101 in a newer Juno, with the role 1."""
    newer = Juno(oscar)
    if host.database.engine.dialect.name != "sqlite":  # `grants.sql` would have found these tables
        with host.database.engine.connect() as connection:
            user, _, machine = connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one().partition("@")
        newer.sql(f"GRANT SELECT ON {oscar.tables.role.fullname} TO '{user}'@'{machine}'".replace("%", "%%"))
    oscar.provider("101")
    newer.role(1)
    newer.holds(1)
    return newer


def seen(host: OscarHost) -> set[int]:
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        query = select(patients.c.patient_id).where(host.identity.visible(ME, patients.c.patient_id))
        results = set(connection.scalars(query))
        everybody = set(connection.scalars(select(patients.c.patient_id)))
    assert results == {patient for patient in everybody if host.identity.may_see(ME, patient)}
    return results


@pytest.mark.parametrize(
    ("object_name", "levels", "manages"),
    [
        ("_admin", "r", True),
        ("_admin", "ucd", False),  # levels are independent of each other
        ("_admin.cpar", "c", True),
        ("_admin.cpar", "rud", False),
        ("_demographic", "rucd", False),
    ],
)
def test_in_a_newer_juno_managing_needs_reading_the_administration_or_creating_panels(
    host: OscarHost, juno: Juno, object_name: str, levels: str, manages: bool
) -> None:
    juno.gives(1, object_name, levels)
    assert host.identity.has(ME, MANAGE) is manages


def test_in_a_newer_juno_reading_records_shows_patients(host: OscarHost, oscar: Any, juno: Juno) -> None:
    patient = oscar.patient()
    assert seen(host) == set()
    juno.gives(1, "_demographic", "r")
    assert seen(host) == {patient}


def test_in_a_newer_juno_what_is_deleted_gives_nothing(host: OscarHost, oscar: Any, juno: Juno) -> None:
    oscar.patient()
    juno.gives(1, "_demographic", "r", deleted=True)
    juno.role(2, deleted=True)
    juno.gives(2, "_demographic", "r")
    juno.holds(2)
    assert seen(host) == set()


def test_in_a_newer_juno_the_text_of_the_older_column_counts_for_nothing(host: OscarHost, juno: Juno) -> None:
    juno.gives(1, "_admin", "")  # with the privilege x beside it
    assert not host.identity.has(ME, MANAGE)


def test_in_a_newer_juno_a_role_inherits_and_may_take_away(host: OscarHost, oscar: Any, juno: Juno) -> None:
    patient = oscar.patient()
    juno.role(2, parent=1)
    juno.role(3, parent=2)
    juno.role(4, parent=3)
    juno.gives(1, "_admin.cpar", "c")
    juno.gives(1, "_demographic", "r")
    juno.sql(f"DELETE FROM {oscar.tables.user_role.fullname}")
    juno.holds(3)
    assert host.identity.has(ME, MANAGE)
    assert seen(host) == {patient}
    juno.gives(2, "_admin.cpar", "c", inclusive=False)
    juno.gives(3, "_demographic", "u")  # its own row goes before the parent's
    assert not host.identity.has(ME, MANAGE)
    assert seen(host) == set()
    juno.holds(1)  # another role of the same person gives it again
    assert host.identity.has(ME, MANAGE)
    assert seen(host) == {patient}


def test_in_a_newer_juno_a_role_that_inherits_from_itself_comes_to_an_end(host: OscarHost, juno: Juno) -> None:
    juno.role(2, parent=2)
    juno.holds(2)
    juno.gives(2, "_admin", "r")
    assert host.identity.has(ME, MANAGE)


def test_in_a_newer_juno_whose_roles_may_not_be_read_nothing_is_inherited(
    host: OscarHost, oscar: Any, juno: Juno
) -> None:
    juno.role(2, parent=1)
    juno.gives(1, "_admin", "r")
    juno.gives(2, "_admin.cpar", "r")
    juno.sql(f"DELETE FROM {oscar.tables.user_role.fullname}")
    juno.holds(2)
    juno.sql(f"DROP TABLE {oscar.tables.role.fullname}")
    assert not host.identity.has(ME, MANAGE)
    juno.sql(f"UPDATE {oscar.tables.object_privilege.fullname} SET permission_create = 1")
    assert host.identity.has(ME, MANAGE)


def test_in_a_newer_juno_a_row_for_one_patient_closes_that_record(host: OscarHost, oscar: Any, juno: Juno) -> None:
    first, second, third = oscar.patient(), oscar.patient(), oscar.patient()
    juno.gives(1, "_demographic", "r")
    juno.gives(1, f"_demographic${first}", "")
    juno.gives(1, f"_demographic${second}", "r")
    juno.role(2)
    juno.holds(2)
    juno.gives(2, f"_demographic${second}", "u")
    assert seen(host) == {third}


def test_in_a_newer_juno_the_roles_of_others_and_inactive_providers_give_nothing(
    host: OscarHost, oscar: Any, juno: Juno
) -> None:
    oscar.provider("102", status="0")
    juno.gives(1, "_admin", "r")
    assert not host.identity.has(Actor(actor_id="103", display_name=""), MANAGE)
    assert not host.identity.has(Actor(actor_id="102", display_name=""), MANAGE)
