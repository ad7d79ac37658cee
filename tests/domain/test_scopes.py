"""Scopes: what is asked for, what is registered, what is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.domain.scopes import KINDS, READ, SEARCH, UPDATE, allows, granted, registered, rights

GROUP = "system/Group.rs"
KIOSK = "system/Group.rs system/Group.u"


@pytest.mark.parametrize(
    ("asked", "held", "given_scopes"),
    [
        ("system/Group.rs", "system/*.rs", "system/Group.rs"),
        ("system/Group.rs", GROUP, "system/Group.rs"),
        ("system/Group.r", GROUP, "system/Group.r"),
        ("system/Group.read", GROUP, "system/Group.read"),
        ("system/Group.read system/Patient.rs", "system/*.rs", "system/Group.read system/Patient.rs"),
        ("system/*.rs", "system/*.rs", "system/*.rs"),
        ("system/*.read", "system/*.rs", "system/*.read"),
        ("system/*.*", "system/*.rs", "system/*.read"),
        ("system/*.rs", "system/Group.rs system/Patient.rs", "system/Group.rs system/Patient.rs"),
        ("system/Patient.rs", GROUP, ""),
        ("system/Group.cruds", GROUP, "system/Group.rs"),
        ("system/Group.c", GROUP, ""),
        ("system/Group.write", "system/*.rs", ""),
        ("system/Group.sr", GROUP, ""),
        ("system/Group.", GROUP, ""),
        ("system/Group.rs?identifier=1", "system/*.rs", ""),
        ("system/Observation.rs", "system/*.rs", ""),
        ("system/Task.rs", "system/*.rs", ""),
        ("system/Task.rs", "system/*.rs system/Task.rs", "system/Task.rs"),
        ("system/Task.r", "system/Task.rs", "system/Task.r"),
        ("system/*.rs", "system/*.rs system/Task.rs", "system/*.rs"),
        ("system/*.rs", "system/Task.rs", ""),
        ("system/*.rs", "system/Group.rs system/Task.rs", "system/Group.rs"),
        ("system/Group.u", "system/*.rs", ""),
        ("system/Group.u", KIOSK, "system/Group.u"),
        ("system/Group.rus", KIOSK, "system/Group.rus"),
        ("system/*.cruds", KIOSK, "system/Group.rus"),
        ("system/*.u system/Patient.u", KIOSK, "system/Group.u"),
        ("system/Group.rs", "system/Group.u", ""),
        ("system/*.cruds", "system/*.rs system/Group.u", "system/*.rs system/Group.u"),
        ("patient/Patient.rs user/Group.rs openid launch", "system/*.rs", ""),
        ("", "system/*.rs", ""),
    ],
)
def test_what_is_requested_and_registered_is_given(asked: str, held: str, given_scopes: str) -> None:
    assert granted(asked, held) == given_scopes


_WORDS = st.builds(
    "{}/{}.{}".format,
    st.sampled_from(["system", "patient", "user"]),
    st.sampled_from([*KINDS, "*", "Observation"]),
    st.sampled_from(["r", "s", "rs", "cruds", "read", "write", "*", "u"]),
)
_REGISTERED = st.one_of(
    st.just("system/*.rs"),
    st.just("system/*.rs system/Group.u"),
    st.just("system/Group.u"),
    st.lists(st.sampled_from(KINDS), min_size=1, unique=True).map(
        lambda kinds: registered(" ".join(f"system/{kind}.rs" for kind in kinds))
    ),
)


@given(asked=st.lists(_WORDS, max_size=6).map(" ".join), held=_REGISTERED)
def test_never_more_is_given_than_is_requested_and_registered(asked: str, held: str) -> None:
    given_rights = rights(granted(asked, held))
    of_system = " ".join(word for word in asked.split() if word.startswith("system/"))
    for kind in KINDS:
        for interaction in (READ, SEARCH, UPDATE):
            if allows(given_rights, kind, interaction):
                assert allows(rights(held), kind, interaction)
                assert allows(rights(of_system), kind, interaction)


@given(held=_REGISTERED)
def test_what_is_given_can_be_requested_again(held: str) -> None:
    assert set(granted(granted("system/*.rs system/*.u", held), held).split()) == set(held.split())


def test_a_client_is_registered_for_kinds_that_there_are() -> None:
    assert registered("system/Patient.rs  system/Group.read") == "system/Group.rs system/Patient.rs"
    assert registered("system/*.rs system/Group.rs") == "system/*.rs"
    assert registered("system/Group.u  system/Group.read") == KIOSK
    assert registered("system/Group.u system/*.rs") == "system/*.rs system/Group.u"
    assert registered("system/Task.rs system/Patient.rs system/*.rs") == "system/*.rs system/Task.rs"
    assert registered("system/Task.rs") == "system/Task.rs"
    assert registered("system/Group.u") == "system/Group.u"
    for wrong in (
        "",
        "system/Patient.u",
        "system/*.u",
        "system/Group.rus",
        "system/Observation.rs",
        "system/Group.r",
        "patient/Patient.rs",
        "everything",
        "system/*.cud",
    ):
        with pytest.raises(Refused) as refused:
            registered(wrong)
        assert list(refused.value.messages) == ["scopes"]
