"""OSCAR's privilege rules over rows, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscar_host.privileges import Grant, Grants


def grant(privilege, object_name="_demographic", priority=0, group="doctor"):
    return Grant(group=group, object_name=object_name, privilege=privilege, priority=priority)


def rows(*grants):
    return Grants(grants)


@pytest.mark.parametrize(
    ("privilege", "level", "allowed"),
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
def test_a_letter_holds_those_below_it_and_x_holds_all(privilege, level, allowed):
    assert rows(grant(privilege)).may("_demographic", level) is allowed


def test_nothing_is_allowed_without_a_row():
    assert not rows().may("_admin", "r")
    assert not rows(grant("x", "_admin.cpar")).may("_admin", "r")
    assert rows(grant("x", "_Admin ")).may("_admin", "r")


def test_rows_of_priority_0_add_up():
    assert rows(grant("o", group="a"), grant("r", group="b")).may("_demographic", "r")


def test_the_first_row_with_another_priority_ends_the_walk():
    assert not rows(grant("x", group="a"), grant("o", priority=1, group="b")).may("_demographic", "r")
    assert rows(grant("o", group="a", priority=1), grant("x", group="b", priority=2)).may("_demographic", "r")


def test_a_negative_priority_comes_after_0():
    assert rows(grant("o", group="a"), grant("r", group="b", priority=-1)).may("_demographic", "r")


@pytest.mark.parametrize("grade", ["o", "r", "u", "w", "x", "d|o", " r ", "|x|"])
@pytest.mark.parametrize("priority", [0, 5, -1])
def test_any_grade_closes_the_record_of_the_one_patient_whatever_its_priority(grade, priority):
    grants = rows(grant("x", priority=9), grant(grade, "_demographic$7", priority))
    assert not grants.may_see(7)
    assert grants.may_see(8)
    assert grants.may_see(77)


def test_a_row_for_one_patient_opens_nothing():
    assert not rows(grant("o"), grant("x", "_demographic$7")).may_see(7)
    assert not rows(grant("x", "_demographic$7")).may_see(7)


@pytest.mark.parametrize("grade", ["d", "", "|0|", "X"])
def test_what_is_below_every_grade_closes_nothing(grade):
    assert rows(grant("x"), grant(grade, "_demographic$7")).may_see(7)


def test_a_higher_priority_hides_no_row_that_closes():
    assert not rows(grant("x"), grant("o", "_demographic$7"), grant("d", "_demographic$7", 2, "101")).may_see(7)


@pytest.mark.parametrize("name", ["_demographic$7 ", "_Demographic$7", "_DEMOGRAPHIC$7  ", "_démographic$7"])
def test_names_are_compared_without_case_accents_and_blanks_at_the_end(name):
    assert not rows(grant("x"), grant("o", name)).may_see(7)


@pytest.mark.parametrize(
    "name",
    ["_demographic$", "_demographic$x", "_demographic$-7", " _demographic$7", "_demographic$07", "_demographic7"],
)
def test_a_name_that_is_no_patients_closes_nothing(name):
    assert rows(grant("x"), grant("o", name)).closed == set()


GRANTS = st.builds(
    Grant,
    group=st.sampled_from(["a", "b", "c"]),
    object_name=st.sampled_from(["_admin", "_demographic", "_demographic$1", "_demographic$2"]),
    privilege=st.sampled_from(["x", "r", "w", "o", "d", "u", "", "r|w", "o|x", "d|o"]),
    priority=st.integers(-1, 2),
)


@given(st.lists(GRANTS, unique_by=lambda row: (row.group, row.object_name)), st.sampled_from("rwud"))
def test_the_walk_is_what_the_rule_says_in_plain_words(grants, level):
    own = sorted((row for row in grants if row.object_name == "_admin"), key=lambda row: (-row.priority, row.group))
    seen = []
    for row in own:
        seen += row.privilege.split("|")
        if row.priority:
            break
    order = ["", "d", "o", "r", "u", "w", "x"]
    assert rows(*grants).may("_admin", level) == any(order.index(part) >= order.index(level) for part in seen)
