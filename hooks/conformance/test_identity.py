"""`Identity`: who is asking, and what they may do."""

import pytest
from sqlalchemy import ColumnElement, insert, select

from .. import Actor
from ..plugins import Plugins
from .bench import Bench, NewPatient
from .reading import plugin_table, request_of


def _permission() -> str:
    """One that an installed plugin has declared."""
    plugins = Plugins()
    plugins.load_installed()
    declared = plugins.emr_permissions()
    if not declared:
        pytest.skip("no plugin has declared a permission")
    return declared[0].name


def test_outside_a_request_no_one_is_signed_in(bench: Bench) -> None:
    assert bench.host.identity.current() is None


def test_in_an_anonymous_request_no_one_is_signed_in(bench: Bench) -> None:
    with request_of(bench, None):
        assert bench.host.identity.current() is None


def test_in_a_request_the_actor_is_who_sent_it(bench: Bench) -> None:
    for person in (bench.person(), bench.person()):
        with request_of(bench, person):
            assert bench.host.identity.current() == person, "nothing is kept from one request to the next"


def test_only_users_with_a_permission_have_it(bench: Bench) -> None:
    permission = _permission()
    holder, other = bench.person(permissions=[permission]), bench.person()
    identity = bench.host.identity
    assert [identity.has(person, permission) for person in (holder, other)] == [True, False]
    assert not identity.has(holder, "ANOTHER_PERMISSION")


def test_an_administrator_has_every_permission(bench: Bench) -> None:
    administrator = bench.person(administrator=True)
    assert bench.host.identity.has(administrator, _permission())
    assert bench.host.identity.has(administrator, "A_PERMISSION_THAT_IS_DECLARED_TO_NO_HOST")


def test_the_system_has_a_name_and_sees_everyone(bench: Bench) -> None:
    system, patient_id = bench.host.identity.system, bench.patient(NewPatient())
    assert system.actor_id
    assert system.display_name
    assert bench.host.identity.may_see(system, patient_id)
    assert _visible(bench, system, [patient_id]) == {patient_id}


def test_a_user_barred_from_a_patient_no_longer_sees_that_patient(bench: Bench) -> None:
    person, denied, other = bench.person(), bench.patient(NewPatient()), bench.patient(NewPatient())
    identity = bench.host.identity
    assert [identity.may_see(person, patient_id) for patient_id in (denied, other)] == [True, True]
    bench.deny_access(person, denied)
    assert not identity.may_see(person, denied), "the next answer already knows of a change of rights"
    assert identity.may_see(person, other)


def test_visible_says_of_every_patient_what_may_see_says(bench: Bench) -> None:
    identity = bench.host.identity
    patients = [bench.patient(NewPatient()) for _ in range(3)]
    denied, free, unknown = bench.person(), bench.person(), Actor(actor_id="nobody", display_name="Nobody")
    bench.deny_access(denied, patients[0])
    bench.deny_access(denied, patients[2])
    for person in (denied, free, bench.person(administrator=True), unknown, identity.system):
        allowed = {patient_id for patient_id in patients if identity.may_see(person, patient_id)}
        assert _visible(bench, person, patients) == allowed, f"visible() and may_see() differ for {person}"


def test_visible_is_a_condition_on_whatever_column_is_given(bench: Bench) -> None:
    person, denied, other = bench.person(), bench.patient(NewPatient()), bench.patient(NewPatient())
    bench.deny_access(person, denied)
    with plugin_table(bench.host) as table:
        with bench.host.database.session() as session:
            session.execute(insert(table), [{"number": denied}, {"number": other}])
        condition = bench.host.identity.visible(person, table.c.number)
        with bench.host.database.engine.connect() as connection:
            assert connection.scalars(select(table.c.number).where(condition)).all() == [other]
            negated = select(table.c.number).where(~condition)
            assert connection.scalars(negated).all() == [denied], "a condition is true or false, never NULL"


def _visible(bench: Bench, person: Actor, patients: list[int]) -> set[int]:
    patient = bench.host.roster.patients()
    column: ColumnElement[int] = patient.c.patient_id
    query = select(column).where(column.in_(patients), bench.host.identity.visible(person, column))
    with bench.host.database.engine.connect() as connection:
        return set(connection.scalars(query))
