"""OSCAR's privilege rules over rows, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscar_host.privileges import Grant, allows, may_see, patient_overrides


def grant(privilege, object_name="_demographic", priority=0, group="doctor"):
    return Grant(group=group, object_name=object_name, privilege=privilege, priority=priority)


@pytest.mark.parametrize(
    ("privilege", "wanted", "allowed"),
    [
        ("x", "r", True),
        ("x", "w", True),
        ("r", "r", True),
        ("r", "w", False),
        ("u", "r", True),
        ("u", "w", False),
        ("w", "r", True),
        ("w", "w", True),
        ("d", "r", False),
        ("o", "r", False),
        ("", "r", False),
        ("r|w", "w", True),
        ("|r|", "r", True),
        ("o|r", "r", True),  # on an object itself an o is only a low letter
    ],
)
def test_a_letter_holds_those_below_it_and_x_holds_all(privilege, wanted, allowed):
    assert allows([grant(privilege)], "_demographic", wanted) is allowed


def test_nothing_is_allowed_without_a_row():
    assert not allows([], "_admin", "r")
    assert not allows([grant("x", "_admin.cpar")], "_admin", "r")
    assert not allows([grant("x", "_Admin")], "_admin", "r")


def test_rows_of_priority_0_add_up():
    assert allows([grant("o", group="a"), grant("r", group="b")], "_demographic", "r")


def test_the_first_row_with_another_priority_ends_the_walk():
    assert not allows([grant("x", group="a"), grant("o", priority=1, group="b")], "_demographic", "r")
    assert allows([grant("o", group="a", priority=1), grant("x", group="b", priority=2)], "_demographic", "r")


def test_a_negative_priority_comes_after_0():
    assert allows([grant("o", group="a"), grant("r", group="b", priority=-1)], "_demographic", "r")


def test_a_row_for_one_patient_decides_for_that_patient_alone():
    grants = [grant("x"), grant("o", "_demographic$7")]
    assert not may_see(grants, 7)
    assert may_see(grants, 8)
    assert may_see(grants, 77)


def test_a_row_for_one_patient_also_opens_what_is_closed():
    grants = [grant("o"), grant("r", "_demographic$7")]
    assert may_see(grants, 7)
    assert not may_see(grants, 8)


def test_an_o_among_the_rows_of_a_patient_blocks_whatever_else_they_grant():
    assert not may_see([grant("x"), grant("r|o", "_demographic$7")], 7)
    assert not may_see([grant("x"), grant("x", "_demographic$7"), grant("o", "_demographic$7", group="101")], 7)


def test_an_o_that_a_higher_priority_hides_does_not_block():
    assert may_see([grant("o", "_demographic$7"), grant("r", "_demographic$7", priority=2, group="101")], 7)


def test_a_row_for_a_patient_that_grants_too_little_closes():
    assert not may_see([grant("x"), grant("d", "_demographic$7")], 7)


@pytest.mark.parametrize(
    "name", ["_demographic$", "_demographic$x", "_demographic$-7", "_demographic$7 ", "_demographic7"]
)
def test_a_name_that_is_no_patients_overrides_nothing(name):
    assert patient_overrides([grant("o", name)]) == {}


GRANTS = st.builds(
    Grant,
    group=st.sampled_from(["a", "b", "c"]),
    object_name=st.sampled_from(["_admin", "_demographic", "_demographic$1", "_demographic$2"]),
    privilege=st.sampled_from(["x", "r", "w", "o", "d", "u", "", "r|w", "o|x", "d|o"]),
    priority=st.integers(-1, 2),
)


@given(st.lists(GRANTS, unique_by=lambda row: (row.group, row.object_name)), st.sampled_from("rwud"))
def test_the_walk_is_what_the_rule_says_in_plain_words(grants, wanted):
    rows = sorted((row for row in grants if row.object_name == "_admin"), key=lambda row: (-row.priority, row.group))
    seen = []
    for row in rows:
        seen += row.privilege.split("|")
        if row.priority:
            break
    order = ["", "d", "o", "r", "u", "w", "x"]
    assert allows(grants, "_admin", wanted) == any(order.index(part) >= order.index(wanted) for part in seen)


@given(st.lists(GRANTS, unique_by=lambda row: (row.group, row.object_name)), st.integers(1, 3))
def test_the_overrides_say_the_same_as_the_question_for_one_patient(grants, patient_id):
    everybody = allows(grants, "_demographic", "r")
    assert may_see(grants, patient_id) == patient_overrides(grants).get(patient_id, everybody)
