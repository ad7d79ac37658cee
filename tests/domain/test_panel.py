import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from cpar_plugin.domain.panel import PanelDraft, PanelProvider, panel_draft
from cpar_plugin.domain.refusals import Refused

GOOD = {"number": "0042", "facilities": ["113"], "providers": [("101", "1234-56789")]}


def refusal(**changed: object) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        panel_draft(**{**GOOD, **changed})
    return refused.value.messages


def test_a_panel_of_one_provider_and_one_facility() -> None:
    assert panel_draft(**GOOD) == PanelDraft("0042", ("000113",), (PanelProvider("101", "123456789"),), "")


def test_a_panel_of_several_providers_and_facilities_keeps_their_order() -> None:
    draft = panel_draft(" 7 ", ["500", "113"], [("9", "222222222"), ("101", "123 456 789")], " manager@clinic.ca ")
    assert draft.number == "7"
    assert draft.facilities == ("000500", "000113")
    assert [provider.provider_id for provider in draft.providers] == ["9", "101"]
    assert draft.notify == "manager@clinic.ca"


def test_empty_rows_of_the_form_count_as_not_entered() -> None:
    draft = panel_draft("7", ["", "113", "  "], [("", ""), ("101", "123456789"), ("", " ")])
    assert (draft.facilities, len(draft.providers)) == (("000113",), 1)


def test_an_empty_form_is_refused_at_each_of_its_fields() -> None:
    assert set(refusal(number="", facilities=[""], providers=[("", "")])) == {"number", "facilities-0", "providers-0"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": "9" * 61}, "number"),
        ({"facilities": ["113", "abc"]}, "facilities-1"),
        ({"facilities": ["113", "000113"]}, "facilities-1"),
        ({"facilities": [str(n) for n in range(1, 52)]}, ""),
        ({"providers": [("101", "123")]}, "practitioner_ids-0"),
        ({"providers": [("", "123456789")]}, "providers-0"),
        ({"providers": [("101", "123456789"), ("101", "222222222")]}, "providers-1"),
        ({"providers": [("101", "123456789"), ("102", "123456789")]}, "practitioner_ids-1"),
        ({"notify": "not an address"}, "notify"),
        ({"notify": "a@b.ca, c@d.ca"}, "notify"),
        ({"notify": "a@b.ca\r\nBcc: c@d.ca"}, "notify"),
        ({"notify": "manager@clinic"}, "notify"),
        ({"notify": "m" * 250 + "@b.ca"}, "notify"),
    ],
)
def test_each_wrong_entry_is_refused_at_its_own_field_and_nothing_else(changed: dict[str, object], field: str) -> None:
    messages = refusal(**changed)
    assert list(messages) == [field]
    assert messages[field].endswith(".")


@given(
    number=st.text(max_size=70),
    facilities=st.lists(st.text(max_size=8) | st.integers(1, 9999999).map(str), max_size=4),
    providers=st.lists(
        st.tuples(st.sampled_from(["", "101", "102"]), st.text("0123456789- x", max_size=12)), max_size=3
    ),
    notify=st.text(max_size=20) | st.emails(),
)
def test_whatever_is_entered_becomes_a_sound_panel_or_is_refused(
    number: str, facilities: list[str], providers: list[tuple[str, str]], notify: str
) -> None:
    try:
        draft = panel_draft(number, facilities, providers, notify)
    except Refused as refused:
        event(" ".join(sorted(refused.messages)))
        return
    assert draft.number == number.strip()
    assert draft.facilities
    assert all(len(facility) == 6 and facility.isascii() and facility.isdigit() for facility in draft.facilities)
    assert len(set(draft.facilities)) == len(draft.facilities)
    assert draft.providers
    assert len({provider.practitioner_id for provider in draft.providers}) == len(draft.providers)
    assert draft.notify == notify.strip()
