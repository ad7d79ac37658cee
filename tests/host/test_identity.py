"""Who is signed in, and what OSCAR's roles let them do."""

from dataclasses import replace

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from cpar_plugin.hooks import Actor
from oscar_host.host import OscarHost, open_host

from ..examples import examples

MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"
DOCTOR = Actor(actor_id="101", display_name="Doctor, No101")


@pytest.fixture
def host(host: OscarHost) -> OscarHost:
    """A host whose sign-in is that of `request_of`."""

    def signed_in() -> str | None:
        return flask.session.get("who") if flask.has_request_context() else None

    return replace(host, identity=replace(host.identity, signed_in=signed_in))


@pytest.fixture
def request_of(host: OscarHost):
    """A request of the provider, or of nobody."""
    app = flask.Flask(__name__)
    app.secret_key = "for this test"

    def open_request(provider_id: str | None = None):
        context = app.test_request_context()
        context.push()
        if provider_id is not None:
            flask.session["who"] = provider_id
        contexts.append(context)

    contexts: list = []
    yield open_request
    for context in reversed(contexts):
        context.pop()


def test_no_one_is_signed_in_outside_of_a_request(host: OscarHost):
    assert host.identity.current() is None


def test_no_one_is_signed_in_without_a_session(host: OscarHost, request_of):
    request_of()
    assert host.identity.current() is None


def test_the_signed_in_provider_is_named(host: OscarHost, oscar, request_of):
    oscar.provider("101", first_name="Ada ", last_name="O'Neil")
    request_of("101")
    assert host.identity.current() == Actor(actor_id="101", display_name="O'Neil, Ada")


def test_a_provider_without_a_name_goes_by_the_number(host: OscarHost, oscar, request_of):
    oscar.provider("101", first_name="", last_name="")
    request_of("101")
    assert host.identity.current() == Actor(actor_id="101", display_name="101")


def test_a_provider_that_oscar_shuts_out_is_signed_out_and_holds_nothing(host: OscarHost, oscar, request_of):
    oscar.provider("101", status="0")
    oscar.role("101", "admin")
    oscar.privilege("admin", "_admin", "x")
    request_of("101")
    assert host.identity.current() is None
    assert not host.identity.has(DOCTOR, MANAGE)


@pytest.mark.parametrize("status", [None, "", "1", "2"])
def test_only_a_status_of_0_shuts_out(host: OscarHost, oscar, request_of, status):
    oscar.provider("101", status=status)
    request_of("101")
    assert host.identity.current() == DOCTOR


def test_a_provider_who_is_gone_is_signed_out_and_sees_no_one(host: OscarHost, oscar, request_of):
    patient_id = oscar.patient()
    request_of("101")
    assert host.identity.current() is None
    assert not host.identity.may_see(DOCTOR, patient_id)
    assert seen(host, DOCTOR) == set()


def test_no_one_signs_in_as_the_system(host: OscarHost, oscar, request_of):
    oscar.provider("-1")
    request_of("-1")
    assert host.identity.current() is None


def test_the_system_may_do_everything(host: OscarHost, oscar):
    patient_id = oscar.patient()
    system = host.identity.system
    assert system.actor_id == "-1"
    assert host.identity.has(system, MANAGE)
    assert host.identity.may_see(system, patient_id)
    assert seen(host, system) == {patient_id}


def test_who_is_signed_in_can_come_from_elsewhere(place, host: OscarHost, oscar):
    oscar.provider("101")
    sidecar = open_host(place.url, host_schema=place.host_schema, signed_in=lambda: "101")
    assert sidecar.identity.current() == DOCTOR
    sidecar.database.engine.dispose()


@pytest.mark.parametrize(
    ("object_name", "privilege", "manages"),
    [
        ("_admin", "r", True),
        ("_admin", "x", True),
        ("_admin", "d", False),
        ("_admin", "o", False),
        ("_admin.cpar", "w", True),
        ("_admin.cpar", "x", True),
        ("_admin.cpar", "r", False),
        ("_admin.misc", "x", False),
        ("_demographic", "x", False),
    ],
)
def test_managing_needs_read_on_admin_or_write_on_admin_cpar(host: OscarHost, oscar, object_name, privilege, manages):
    oscar.provider("101")
    oscar.role("101", "manager")
    oscar.privilege("manager", object_name, privilege)
    assert host.identity.has(DOCTOR, MANAGE) is manages


def test_a_permission_that_no_one_has_mapped_is_an_object_of_its_own_name(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.privilege("101", "_admin.cpar", "x")
    oscar.privilege("101", "SOMETHING", "x")
    assert not host.identity.has(DOCTOR, "SOMETHING_ELSE_READ")
    oscar.privilege("101", "SOMETHING_ELSE_READ", "w")
    assert host.identity.has(DOCTOR, "SOMETHING_ELSE_READ")
    assert not host.identity.has(DOCTOR, MANAGE.lower())


def test_an_administrator_holds_a_permission_that_no_one_has_mapped(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.privilege("101", "_admin", "x")
    assert host.identity.has(DOCTOR, "SOMETHING_ELSE_READ")


@pytest.mark.parametrize(("privilege", "administers"), [("x", True), ("w", True), ("r", False), ("o", False)])
def test_changing_roles_needs_write_on_admin(host: OscarHost, oscar, privilege, administers):
    oscar.provider("101")
    oscar.privilege("101", "_admin", privilege)
    assert host.identity.administers(DOCTOR) is administers


def test_administration_is_also_read_as_a_transaction_sees_it(host: OscarHost, emr: OscarHost, oscar, request_of):
    oscar.provider("101")
    oscar.privilege("101", "_admin", "x")
    request_of("101")
    assert host.identity.administers(DOCTOR)
    with emr.database.writing() as connection:
        connection.execute(delete(oscar.tables.object_privilege))
        assert not host.identity.administers(DOCTOR, connection)
    assert host.identity.administers(DOCTOR)  # as this request began


def test_a_privilege_may_be_given_to_the_provider_alone(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.privilege("101", "_admin.cpar", "w")
    assert host.identity.has(DOCTOR, MANAGE)


def test_the_inactive_mark_of_a_role_is_not_consulted(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.role("101", "manager", activeyn=0)
    oscar.privilege("manager", "_admin.cpar", "w")
    assert host.identity.has(DOCTOR, MANAGE)


@pytest.mark.parametrize("held", ["Manager", "manager ", " manager"])
def test_a_role_in_other_letters_or_with_blanks_is_another_role(host: OscarHost, oscar, held):
    oscar.provider("101")
    oscar.role("101", held)
    oscar.privilege("manager", "_admin.cpar", "w")
    assert not host.identity.has(DOCTOR, MANAGE)


def test_a_privilege_of_a_provider_in_other_letters_is_another_ones(host: OscarHost, oscar):
    oscar.provider("d1")
    oscar.privilege("D1", "_admin.cpar", "w")
    assert not host.identity.has(Actor(actor_id="d1", display_name=""), MANAGE)


def test_the_roles_of_others_do_not_count(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.provider("102")
    oscar.role("102", "manager")
    oscar.privilege("manager", "_admin.cpar", "w")
    oscar.privilege("102", "_demographic", "x")
    patient_id = oscar.patient()
    assert not host.identity.has(DOCTOR, MANAGE)
    assert not host.identity.may_see(DOCTOR, patient_id)


def test_the_seeded_admin_role_manages_but_sees_no_patient(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.role("101", "admin")
    oscar.privilege("admin", "_admin", "x")
    patient_id = oscar.patient()
    assert host.identity.has(DOCTOR, MANAGE)
    assert not host.identity.may_see(DOCTOR, patient_id)


def test_a_privilege_without_a_priority_has_priority_0(host: OscarHost, oscar):
    oscar.provider("101")
    oscar.role("101", "doctor")
    oscar.privilege("doctor", "_demographic", "o", priority=None)
    oscar.privilege("101", "_demographic", "r", priority=None)
    patient_id = oscar.patient()
    assert host.identity.may_see(DOCTOR, patient_id)


def test_one_statement_answers_every_question_of_a_request(host: OscarHost, oscar, request_of, statements):
    oscar.provider("101")
    oscar.role("101", "doctor", "manager")
    oscar.privilege("doctor", "_demographic", "r")
    oscar.privilege("manager", "_admin.cpar", "w")
    patient_id = oscar.patient()
    oscar.privilege("doctor", f"_demographic${patient_id + 1}", "o")
    host.identity.may_see(DOCTOR, patient_id)  # the first question of all looks at the tables
    request_of("101")
    statements.clear()
    actor = host.identity.current()
    assert host.identity.has(actor, MANAGE)
    assert host.identity.may_see(actor, patient_id)
    assert not host.identity.may_see(actor, patient_id + 1)
    host.identity.visible(actor, oscar.tables.demographic.c.demographic_no)
    assert len(statements) == 1


def test_the_next_request_sees_a_right_taken_away(host: OscarHost, emr: OscarHost, oscar, request_of):
    oscar.provider("101")
    oscar.privilege("101", "_admin.cpar", "w")
    request_of("101")
    assert host.identity.has(DOCTOR, MANAGE)
    with emr.database.writing() as connection:
        connection.execute(delete(oscar.tables.object_privilege))
    request_of("101")
    assert not host.identity.has(DOCTOR, MANAGE)


def seen(host: OscarHost, actor: Actor) -> set[int]:
    patients = host.roster.patients()
    with host.database.engine.connect() as connection:
        return set(
            connection.scalars(select(patients.c.patient_id).where(host.identity.visible(actor, patients.c.patient_id)))
        )


OBJECTS = st.sampled_from(["_demographic", "_demographic", "_demographic$1", "_demographic$2", "_demographic$3"])
ROWS = st.tuples(
    st.sampled_from(["doctor", "nurse", "101", "elsewhere"]),
    OBJECTS,
    st.sampled_from(["x", "r", "o", "d", "w|o", "r|w", "d|d"]),
    st.integers(0, 2),
)


@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, max_size=8, unique_by=lambda row: row[:2]))
def test_the_sql_condition_lets_through_exactly_those_the_actor_may_see(host: OscarHost, emr: OscarHost, oscar, rows):
    tables = oscar.tables
    with emr.database.writing() as connection:
        for table in (tables.demographic, tables.provider, tables.user_role, tables.object_privilege):
            connection.execute(delete(table))
    oscar.provider("101")
    oscar.role("101", "doctor", "nurse")
    patients = [oscar.patient(demographic_no=number) for number in range(1, 5)]
    for group, object_name, privilege, priority in rows:
        oscar.privilege(group, object_name, privilege, priority)
    assert seen(host, DOCTOR) == {number for number in patients if host.identity.may_see(DOCTOR, number)}


def test_thousands_of_blocked_patients_fit_into_the_condition(host: OscarHost, emr: OscarHost, oscar):
    oscar.provider("101")
    oscar.privilege("101", "_demographic", "r")
    open_to_all, blocked = oscar.patient(), oscar.patient()
    with emr.database.writing() as connection:
        connection.execute(
            oscar.tables.object_privilege.insert(),
            [
                {"roleUserGroup": "101", "objectName": f"_demographic${number}", "privilege": "o", "priority": 0}
                for number in range(blocked, blocked + 40_000)
            ],
        )
    assert seen(host, DOCTOR) == {open_to_all}
