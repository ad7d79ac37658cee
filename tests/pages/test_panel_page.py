"""One panel's page: finding its patients, seeing who goes out, and acting on those selected."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.csv_export import export
from cpar_plugin.services.panels.members import AT_ONCE
from cpar_plugin.services.roster.csv_file import ExportInterrupted, csv_file
from cpar_plugin.settings import load
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

_ROW = re.compile(r'name="selected" value="(\d+)"( +aria-label="[^"]*")( checked)?')


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return " ".join(answer.get_data(as_text=True).split())


def shown(text_of_page: str) -> list[int]:
    return [int(result[0]) for result in _ROW.findall(text_of_page)]


@pytest.fixture
def paneled(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    """Makes a patient of the panel 0042, confirmed and seen unless told otherwise; returns the patient_id."""
    phn = iter(range(200_000_001, 200_001_000))

    def make(family: str = "Example", *, seen: str | None = "2026-10-05", on: int = panel, **columns: Any) -> int:
        patient_id: int = oscar.patient(**({"last_name": family, "hin": str(next(phn))} | columns))
        if seen:
            oscar.visit(patient_id, seen)
        one_patient.choose(host, host.identity.system, patient_id, on, seen_panel_id=None)
        return patient_id

    return make


def operation_of(text_of_page: str) -> str:
    match = re.search(r'name="operation_id" value="(\d+)"', text_of_page)
    assert match
    return match[1]


def confirmed_on(host: OscarHost, patient_id: int, day: str | None) -> None:
    with host.database.session() as session:
        session.execute(
            text("UPDATE cpar_member SET confirmed_on = :day WHERE patient_id = :patient_id"),
            {"day": day, "patient_id": patient_id},
        )


def panels_of(host: OscarHost) -> dict[int, int]:
    with host.database.engine.connect() as connection:
        return {
            row[0]: row[1] for row in connection.execute(select(tables.member.c.patient_id, tables.member.c.panel_id))
        }


def test_the_panels_lead_to_their_patients(paneled: Any, manager: Any, panel: int) -> None:
    paneled()
    assert page(manager.get("/cpar/panels")).count(f'href="/cpar/panels/{panel}"') == 2


def test_each_member_is_shown_with_what_becomes_of_them_and_how_to_fix_it(
    paneled: Any, manager: Any, panel: int, oscar: Any
) -> None:
    good = paneled("Wren")
    bad = paneled("Finch", patient_status="MO", hin="", seen=None)
    seen = page(manager.get(f"/cpar/panels/{panel}"))
    assert shown(seen) == [bad, good]
    assert f'<a href="/patients/{bad}">FINCH, Pat</a>' in seen
    row = seen[seen.index("FINCH") : seen.index("WREN")]
    assert "Patient is not active (Moved)." in row
    assert "set the status to Active. EMR field: Patient Status." not in row
    assert seen.count("set the status to Active. EMR field: Patient Status.") == 1
    assert "No PHN." in row
    assert "No visit in the past." in row
    assert "Will be submitted" in seen[seen.index("WREN") :]


def test_the_deceased_are_not_to_be_confirmed(paneled: Any, manager: Any, host: OscarHost, panel: int) -> None:
    patient_id = paneled("Finch", patient_status="DE")
    confirmed_on(host, patient_id, None)
    seen = page(manager.get(f"/cpar/panels/{panel}"))
    assert "Patient is not active (Deceased)." in seen
    assert "The patient is deceased: remove the patient from the panel." in seen
    assert f'value="confirm-{patient_id}"' not in seen


def test_a_phn_shared_across_panels_is_reported_on_both(
    paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    paneled(hin="300-000-001")
    paneled(hin="300 000 001", on=other_panel)
    for one in (panel, other_panel):
        assert "PHN is shared with another patient." in page(manager.get(f"/cpar/panels/{one}"))


def test_what_is_searched_for_finds_names_numbers_and_dates(paneled: Any, manager: Any, panel: int) -> None:
    wren = paneled("Wren", first_name="Zoë", born="1977-03-04", hin="123 456 789")
    finch = paneled("Finch-Wrenfield", first_name="Ann")
    paneled("Hawk%")
    for entered, result in {
        "wren": [finch, wren],
        "Wren, zoë": [wren],
        "ann field": [finch],
        "123456789": [wren],
        "123-456-789": [wren],
        "1977-03-04": [wren],
        str(finch): [finch],
        "%w": [],
        "𝒲": [],
    }.items():
        assert shown(page(manager.see(f"/cpar/panels/{panel}", text=entered))) == result, entered


def test_a_search_remains_when_the_list_is_sorted_and_never_is_in_an_address(
    paneled: Any, manager: Any, panel: int
) -> None:
    first, second = paneled("Wren", born="1990-01-01"), paneled("Wren", born="1950-01-01")
    paneled("Finch")
    address = manager.post(f"/cpar/panels/{panel}", text="wren", sort="born").location
    assert "wren" not in address.lower()
    assert shown(page(manager.get(address))) == [second, first]
    assert shown(page(manager.get(address.replace("sort=born", "sort=-born")))) == [first, second]
    assert len(shown(page(manager.get(f"/cpar/panels/{panel}", text="wren")))) == 3  # from an address: not heeded


@pytest.mark.parametrize("sort", ["name", "record", "born", "seen", "confirmed"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_in_any_order_show_everyone_once(
    host: OscarHost, paneled: Any, manager: Any, panel: int, sort: str, descending: bool, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cpar_plugin.services.panels.members.AT_ONCE", 2)
    everybody = [
        paneled("Wren", born="1990-01-01", seen="2020-01-01"),
        paneled("", born="1980-01-01", seen=None),
        paneled("Élan", born="1980-01-01", seen="2021-01-01"),
        paneled("wren", year_of_birth="", seen="2021-01-01"),
        paneled("Wren", born="1990-01-01", seen=None),
    ]
    confirmed_on(host, everybody[1], None)
    confirmed_on(host, everybody[3], "2020-02-02")
    expected = {
        "name": [1, 0, 3, 4, 2],
        "record": [0, 1, 2, 3, 4],
        "born": [3, 1, 2, 0, 4],
        "seen": [1, 4, 0, 2, 3],
        "confirmed": [1, 3, 0, 2, 4],
    }[sort]
    order = f"-{sort}" if descending else sort
    for show in ("", "excluded"):
        met: list[int] = []
        query: dict[str, Any] = {"sort": order, "show": show}
        for _ in everybody:
            seen = page(manager.get(f"/cpar/panels/{panel}", **query))
            met += shown(seen)
            if "Next page" not in seen:
                break
            query["after"] = met[-1]
        entered = [everybody[place] for place in (reversed(expected) if descending else expected)]
        if show:
            entered = [one for one in entered if one in (everybody[1], everybody[3], everybody[4])]
        assert met == entered


def test_the_page_before_shows_the_same_as_it_did(paneled: Any, manager: Any, panel: int, monkeypatch: Any) -> None:
    monkeypatch.setattr("cpar_plugin.services.panels.members.AT_ONCE", 2)
    for place in range(5):
        paneled(f"N{place}", seen="2026-10-05" if place % 2 else None)
    for query in ({}, {"sort": "-name"}, {"sort": "-seen"}, {"sort": "seen", "show": "excluded"}, {"show": "sent"}):
        forwards = [page(manager.get(f"/cpar/panels/{panel}", **query))]
        assert "Previous page" not in forwards[0]
        while "Next page" in forwards[-1]:
            forwards.append(page(manager.get(f"/cpar/panels/{panel}", **query, after=shown(forwards[-1])[-1])))
        backwards = [forwards[-1]]
        while "Previous page" in backwards[-1]:
            backwards.append(page(manager.get(f"/cpar/panels/{panel}", **query, before=shown(backwards[-1])[0])))
            assert "Next page" in backwards[-1]
        assert [shown(one) for one in backwards] == [shown(one) for one in reversed(forwards)], query


def test_when_all_of_the_last_page_are_removed_it_says_so(
    paneled: Any, manager: Any, panel: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cpar_plugin.services.panels.members.AT_ONCE", 2)
    first, second, third = paneled("A"), paneled("B"), paneled("C")
    answer = manager.post(f"/cpar/panels/{panel}/selected", action="remove", selected=third, after=second)
    seen = page(manager.get(answer.location))
    assert "<strong>1</strong> patient removed from this panel." in seen
    assert "No patients are left on this page." in seen
    assert "First page" in seen
    assert shown(page(manager.get(f"/cpar/panels/{panel}"))) == [first, second]


def test_after_an_order_one_is_back_where_one_was(
    host: OscarHost, paneled: Any, manager: Any, panel: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cpar_plugin.services.panels.members.AT_ONCE", 2)
    one, two, three = (paneled(f"Wren{place}", seen=None) for place in range(3))
    for patient_id in (one, two, three):
        confirmed_on(host, patient_id, "2020-01-01")
    kept = {"show": "excluded", "unconfirmed": "1", "sort": "record", "after": str(one)}
    answer = manager.post(f"/cpar/panels/{panel}/selected", action="remove", selected=two, **kept)
    seen = page(manager.get(answer.location))
    assert shown(seen) == [three]
    assert "Previous page" in seen
    undo = {"action": "undo", "operation_id": operation_of(seen)}
    assert shown(page(manager.get(manager.post(f"/cpar/panels/{panel}/selected", **undo, **kept).location))) == [
        two,
        three,
    ]

    result = manager.post(f"/cpar/panels/{panel}", text="wren").location
    kept["search"] = result.partition("search=")[2]
    seen = page(manager.see(f"/cpar/panels/{panel}/selected", action="remove", selected=two, **kept))
    assert shown(seen) == [three]
    assert "<strong>1</strong> patient removed from this panel." in seen
    assert 'type="search" value="wren"' in seen
    undo = {"action": "undo", "operation_id": operation_of(seen)}
    undone = page(manager.see(f"/cpar/panels/{panel}/selected", **undo, **kept))
    assert shown(undone) == [two, three]
    assert "Undone: <strong>1</strong> patient restored." in undone


def test_what_was_done_is_reported_once_and_on_no_other_panel(
    paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    for first in (panel, other_panel):
        wren = paneled("Wren")
        answer = manager.post(f"/cpar/panels/{panel}/selected", action="remove", selected=wren)
        assert answer.location == f"/cpar/panels/{panel}#cpar-row-{wren}"
        assert ("Undo" in page(manager.get(f"/cpar/panels/{first}"))) == (first == panel)
        assert "Undo" not in page(manager.get(answer.location))  # Back and reload


def test_a_list_by_surname_age_and_confirmation_is_what_the_file_and_the_print_have(
    host: OscarHost, paneled: Any, manager: Any, panel: int
) -> None:
    adler, finch, zorn = (
        paneled("Adler", born="1950-01-01"),
        paneled("finch", born="2020-01-01"),
        paneled("Zorn", sex=""),
    )
    nameless = paneled("")
    confirmed_on(host, adler, "2020-01-01")
    with host.database.session() as session:
        session.execute(
            text("UPDATE cpar_member SET confirmed_how = 'last visit' WHERE patient_id = :id"), {"id": adler}
        )
    for query, result in (
        ({"to": "F"}, [nameless, adler, finch]),
        ({"from": "G"}, [zorn]),
        ({"from": "F", "to": "F"}, [finch]),
        ({"from": "F", "sort": "-name"}, [zorn, finch]),
        ({"age": "70-to-79"}, [adler]),
        ({"age": "0-to-9"}, [finch]),
        ({"age": "90-or-older"}, []),
        ({"how": "last-visit"}, [adler]),
        ({"show": "no-gender", "from": "B"}, [zorn]),
    ):
        assert shown(page(manager.get(f"/cpar/panels/{panel}", **query))) == result, query
        file = manager.get(f"/cpar/panels/{panel}/export", **query).get_data().decode("utf-8-sig")
        assert [int(row["Record"]) for row in csv.DictReader(io.StringIO(file))] == result, query
        paper = page(manager.get(f"/cpar/panels/{panel}/print", **query))
        assert [int(number) for number in re.findall(r'<td[^>]* class="cpar-number">(\d+)</td>', paper)] == result, (
            query
        )
        assert paper.count("&#9744;") + paper.count("☐") == len(result)
        assert "Example Clinic" in paper
    for query in ({"from": "É"}, {"age": "old"}, {"how": "x"}):
        page(manager.get(f"/cpar/panels/{panel}", **query), 422)


def test_a_list_by_the_provider_last_seen_is_what_the_file_and_the_print_have(
    oscar: Any, paneled: Any, manager: Any, panel: int
) -> None:
    adler, finch, wren = paneled("Adler"), paneled("Finch"), paneled("Wren")
    paneled("Zorn", seen=None)
    last, address = oscar.provider("807", last_name="Nkemelu", first_name="Obi"), f"/cpar/panels/{panel}"
    for patient_id, day, time in ((adler, "2026-11-05", "11:00"), (finch, "2026-11-09", "08:00")):
        oscar.visit(patient_id, day, "08:00", provider_no="101")
        oscar.visit(patient_id, day, time, provider_no=last)
    oscar.visit(finch, "2026-11-09", "09:15", provider_no="101")
    oscar.visit(wren, "2026-11-09", status="N", provider_no=last)
    oscar.visit(adler, "2027-01-05", provider_no="101")
    for provider_id, result in ((last, [adler]), ("101", [finch, wren]), ("301", [])):
        query = {"seen-by": provider_id}
        seen = page(manager.get(address, **query))
        assert shown(seen) == result
        assert f'<option value="{provider_id}" selected>' in seen
        file = manager.get(f"{address}/export", **query).get_data().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(file)))
        assert [int(row["Record"]) for row in rows] == result
        paper = page(manager.get(f"{address}/print", **query))
        assert [int(number) for number in re.findall(r'<td[^>]* class="cpar-number">(\d+)</td>', paper)] == result
    assert [row["Last seen by"] for row in csv.DictReader(io.StringIO(manager.get(f"{address}/export").text[1:]))] == [
        "Nkemelu, Obi",
        "Okafor, Adaeze",
        "Okafor, Adaeze",
        "",
    ]
    assert 'Nov 5, 2026</time> <div class="cpar-quiet">Nkemelu, Obi</div>' in page(manager.get(address))
    paper = page(manager.get(f"{address}/print", **{"seen-by": last}))
    assert "Filters: last seen by Nkemelu, Obi." in paper


def test_a_host_that_cannot_say_who_saw_a_patient_has_the_list_without_that_filter(
    paneled: Any, manager: Any, panel: int, monkeypatch: Any
) -> None:
    paneled("Wren")
    monkeypatch.setitem(vars(manager.client.application.extensions["emr"].host), "visits", None)
    seen = page(manager.get(f"/cpar/panels/{panel}"))
    assert "Last seen by" not in seen
    assert "Oct 5, 2026</time></td>" in seen
    page(manager.get(f"/cpar/panels/{panel}", **{"seen-by": "101"}), 422)
    [row] = csv.DictReader(io.StringIO(manager.get(f"/cpar/panels/{panel}/export").text[1:]))
    assert (row["Last visit"], row["Last seen by"]) == ("2026-10-05", "")


def test_the_print_has_everyone_in_the_lists_order_however_many_there_are(
    paneled: Any, manager: Any, panel: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cpar_plugin.services.panels.whole_list._AT_ONCE", 3)
    monkeypatch.setattr("cpar_plugin.web.rendering._AT_ONCE", 5)
    ids = [paneled(f"N{place}", hin="" if place % 3 else "123456789") for place in range(10)]
    for query, expected in (
        ({}, ids),
        ({"sort": "-name"}, ids[::-1]),
        ({"show": "no-phn"}, ids[1:3] + ids[4:6] + ids[7:9]),
    ):
        paper = page(manager.get(f"/cpar/panels/{panel}/print", **query))
        assert [int(number) for number in re.findall(r'<td[^>]* class="cpar-number">(\d+)</td>', paper)] == expected
        assert f'<caption id="cpar-members">{len(expected)} patients</caption>' in paper
        assert paper.endswith("</html>")
        advice = paper[paper.index("What to do") :]
        assert ("shared" in advice, "<strong>No PHN.</strong>" in advice) == ("show" not in query, True)


def test_a_print_that_breaks_off_has_no_patient_data_in_the_log(
    host: OscarHost, paneled: Any, manager: Any, panel: int, monkeypatch: Any, caplog: Any
) -> None:
    paneled("Wren")

    def fail(*_: Any) -> None:
        raise ValueError("patient Wren")

    monkeypatch.setattr("cpar_plugin.services.panels.whole_list.listed", fail)
    with pytest.raises(ExportInterrupted):
        manager.get(f"/cpar/panels/{panel}/print").get_data()
    ours = [record.message for record in caplog.records if record.name.startswith("cpar_plugin")]
    assert ours == ["an export of patients was interrupted: ValueError"]


def test_an_order_about_all_found_covers_every_page_and_counts_again(
    host: OscarHost, paneled: Any, manager: Any, panel: int, other_panel: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("cpar_plugin.services.panels.members.AT_ONCE", 2)
    results = [paneled(f"Wren{place}", hin="") for place in range(5)]
    good = paneled("Finch")
    for show, search, expected in (("no-phn", "", results), ("", "wren", results), ("sent", "", [good])):
        state = {"show": show}
        state["search"] = manager.post(f"/cpar/panels/{panel}", text=search).location.partition("search=")[2]
        answer = manager.post(f"/cpar/panels/{panel}/selected", action="select-found", **state)
        seen = page(manager.get(answer.location))
        assert f"All {len(expected)} found are selected" in seen
        order = {"action": "move", "to_panel_id": other_panel, "scope": "found", **state}
        late = page(manager.post(f"/cpar/panels/{panel}/selected", expected=len(expected) + 1, **order), 422)
        assert f"The list has changed: {len(expected)} patients are found now" in late
        assert f'name="expected" value="{len(expected)}"' in late
        assert set(panels_of(host).values()) == {panel}
        result = page(manager.see(f"/cpar/panels/{panel}/selected", expected=len(expected), **order))
        moved = [patient_id for patient_id, on in panels_of(host).items() if on == other_panel]
        assert sorted(moved) == sorted(expected)
        manager.post(f"/cpar/panels/{panel}/selected", action="undo", operation_id=operation_of(result))


def test_each_reason_leads_to_where_it_is_fixed(
    host: OscarHost, emr: OscarHost, oscar: Any, paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    faulty = paneled("Lark", hin="300000002", sex="")
    first = paneled("Wren", hin="300000001")
    other = paneled("Finch", hin="300 000 001", on=other_panel)
    row = page(manager.get(f"/cpar/panels/{panel}"))
    assert f'<a href="/patients/{faulty}"><strong>No gender.</strong></a>' in row
    assert f'<a href="/patients/{first}"><strong>PHN is shared with another patient.</strong></a>' in row
    assert row.count("Another patient who could be submitted has the same PHN") == 1  # what to do, once
    assert f'<a href="/patients/{other}">Other record {other}</a>' in row
    oscar.privilege("301", f"_demographic${other}", "o")
    row = page(manager.get(f"/cpar/panels/{panel}"))
    assert "PHN is shared with another patient." in row
    assert f"/patients/{other}" not in row

    confirmed_on(host, first, None)
    assert f'name="single" value="confirm-{first}" aria-label="Confirm WREN, Pat, record {first}"' in page(
        manager.get(f"/cpar/panels/{panel}", show="no-confirmation")
    )
    manager.post(f"/cpar/panels/{panel}/selected", single=f"confirm-{first}", selected=str(other))
    assert shown(page(manager.get(f"/cpar/panels/{panel}", show="no-confirmation"))) == []
    assert "(confirmed by a person)" in page(manager.get(f"/cpar/patients/{first}/widget"))

    with emr.database.session() as session:
        session.execute(delete(host.tables.demographic).where(host.tables.demographic.c.demographic_no == first))
    seen = page(manager.get(f"/cpar/panels/{panel}", show="unknown-patient"))
    assert f'value="remove-{first}"' in seen
    manager.post(f"/cpar/panels/{panel}/selected", single=f"remove-{first}")
    assert panels_of(host) == {faulty: panel, other: other_panel}
    page(manager.post(f"/cpar/panels/{panel}/selected", single="burn-1"), 422)


def test_a_page_that_began_after_someone_who_has_left_says_that_it_begins_again(
    host: OscarHost, paneled: Any, manager: Any, panel: int
) -> None:
    gone, remaining = paneled("Adler"), paneled("Wren")
    one_patient.remove(host, host.identity.system, gone, seen_panel_id=panel)
    seen = page(manager.get(f"/cpar/panels/{panel}", after=gone))
    assert shown(seen) == [remaining]
    assert "The list has changed. Showing the first page." in seen


def test_filters_find_who_is_excluded_long_unseen_unconfirmed_or_of_another_mrp(
    host: OscarHost, paneled: Any, manager: Any, panel: int
) -> None:
    good = paneled("Good")
    unseen = paneled("Unseen", seen="2024-11-10")
    never = paneled("Never", seen=None)
    old = paneled("Old")
    other = paneled("Other", provider_no="102")
    none = paneled("None", provider_no="")
    confirmed_on(host, old, "2025-11-10")
    confirmed_on(host, never, None)
    for query, result in (
        ({"show": "sent"}, [good, none, old, other, unseen]),
        ({"show": "excluded"}, [never]),
        ({"show": "no-visit"}, [never]),
        ({"show": "no-gender"}, []),
        ({"unconfirmed": "1"}, [never, old]),
        ({"unconfirmed": "2"}, [never]),
        ({"unseen": "1"}, [never, unseen]),
        ({"unseen": "2"}, [never, unseen]),
        ({"unseen": "3"}, [never]),
        ({"mrp": "outside"}, [none, other]),
        ({"unseen": "1", "show": "sent"}, [unseen]),
    ):
        seen = page(manager.get(f"/cpar/panels/{panel}", **query))
        assert shown(seen) == result, query
        assert f"{len(result)} patient{'s' * (len(result) != 1)} found" in seen or not result
    seen = page(manager.get(f"/cpar/panels/{panel}", show="excluded"))
    assert "<strong>5</strong> patients would be submitted" in seen
    assert re.search(r'<li>1: <button [^>]* name="show" value="no-visit">No visit in the past</button>\.', seen)


@pytest.mark.parametrize(
    "query", [{"show": "x"}, {"unseen": "9"}, {"unconfirmed": "-1"}, {"mrp": "1"}, {"sort": "x"}, {"after": "x"}]
)
def test_a_list_that_is_not_offered_is_refused(manager: Any, panel: int, query: dict[str, str]) -> None:
    page(manager.get(f"/cpar/panels/{panel}", **query), 422)


def test_a_deleted_panel_has_no_page(manager: Any, panel: int) -> None:
    manager.post(f"/cpar/panels/{panel}/delete", version="1")
    page(manager.get(f"/cpar/panels/{panel}"), 404)
    page(manager.get(f"/cpar/panels/{panel}/export"), 404)
    page(manager.post(f"/cpar/panels/{panel}/selected", action="confirm", selected="1"), 404)


def test_patients_that_one_may_not_see_are_only_counted(
    oscar: Any, paneled: Any, manager: Any, cpar_role: Any, panel: int
) -> None:
    barred, open_to_all = paneled("Barred"), paneled("Open")
    oscar.privilege("301", f"_demographic${barred}", "o")
    seen = page(manager.get(f"/cpar/panels/{panel}"))
    assert shown(seen) == [open_to_all]
    assert "<strong>1</strong> patient on this panel is not shown" in seen
    assert "BARRED" not in seen
    assert b"Barred" not in manager.get(f"/cpar/panels/{panel}/export").data
    seen = page(cpar_role.get(f"/cpar/panels/{panel}"))
    assert shown(seen) == []
    assert "<strong>2</strong> patients on this panel are not shown" in seen


def test_those_selected_are_confirmed_in_one_operation_that_can_be_undone(
    host: OscarHost, paneled: Any, manager: Any, panel: int
) -> None:
    one, two, three = paneled("One"), paneled("Two"), paneled("Three")
    for patient_id in (one, three):
        confirmed_on(host, patient_id, "2020-01-01")
    answer = manager.post(f"/cpar/panels/{panel}/selected", action="confirm", selected=[str(one), str(two)])
    result = page(manager.get(answer.location))
    assert "<strong>1</strong> patient confirmed." in result
    assert "already confirmed today, or no access): 1." in result
    listed = page(manager.get(f"/cpar/panels/{panel}"))
    assert ("confirmed from the list</div>" in listed, "by a person</div>" in listed) == (True, False)
    assert "(confirmed from the list)" in page(manager.get(f"/cpar/patients/{one}/widget"))
    assert shown(page(manager.get(f"/cpar/panels/{panel}", unconfirmed="1"))) == [three]
    undo = {"action": "undo", "operation_id": operation_of(result)}
    undone = page(manager.get(manager.post(f"/cpar/panels/{panel}/selected", **undo).location))
    assert "Undone: <strong>1</strong> patient restored." in undone
    assert shown(page(manager.get(f"/cpar/panels/{panel}", unconfirmed="1"))) == [one, three]
    assert "Patients selected on the panel page" in page(manager.get("/cpar/bulk"))
    again = page(manager.post(f"/cpar/panels/{panel}/selected", **undo), 422)
    assert "This operation has already been undone." in again
    assert shown(again) == [one, three, two]


def test_those_selected_are_moved_and_removed_unless_someone_else_was_faster(
    host: OscarHost, paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    one, two, three, gone = (paneled(name) for name in ("One", "Two", "Three", "Gone"))
    one_patient.choose(host, host.identity.system, gone, other_panel, seen_panel_id=panel)
    one_patient.remove(host, host.identity.system, three, seen_panel_id=panel)
    ids = [str(one), str(three)]
    answer = manager.post(f"/cpar/panels/{panel}/selected", action="move", selected=ids, to_panel_id=str(other_panel))
    assert "<strong>1</strong> patient moved to panel 0077." in page(manager.get(answer.location))
    assert panels_of(host) == {one: other_panel, two: panel, gone: other_panel}
    answer = manager.post(f"/cpar/panels/{panel}/selected", action="remove", selected=[str(two), str(gone)])
    assert panels_of(host) == {one: other_panel, gone: other_panel}
    removed = page(manager.get(answer.location))
    assert "<strong>1</strong> patient removed from this panel." in removed
    manager.post(f"/cpar/panels/{panel}/selected", action="undo", operation_id=operation_of(removed))
    assert panels_of(host) == {one: other_panel, two: panel, gone: other_panel}


def test_no_one_is_changed_that_one_may_not_see(
    host: OscarHost, oscar: Any, paneled: Any, manager: Any, panel: int
) -> None:
    barred = paneled("Barred")
    oscar.privilege("301", f"_demographic${barred}", "o")
    answer = manager.post(f"/cpar/panels/{panel}/selected", action="remove", selected=str(barred))
    assert "No patients were changed" in page(manager.get(answer.location))
    assert panels_of(host) == {barred: panel}


def test_what_is_wrong_with_an_order_is_reported_on_the_list_with_the_selection_kept(
    host: OscarHost, paneled: Any, manager: Any, panel: int, other_panel: int
) -> None:
    one = paneled("One")
    for fields, message in (
        ({"action": "confirm"}, "Select at least one patient."),
        ({"action": "move", "selected": one, "to_panel_id": ""}, "Select the panel to move patients to."),
        ({"action": "move", "selected": one, "to_panel_id": panel}, "These patients are already on this panel"),
        ({"action": "burn", "selected": one}, "The form was incomplete."),
    ):
        seen = page(manager.post(f"/cpar/panels/{panel}/selected", text="one", **fields), 422)
        assert message in seen
        assert shown(seen) == [one]
        assert (" checked" in _ROW.search(seen)[0]) == ("selected" in fields)  # type: ignore[index]
    assert panels_of(host) == {one: panel}


def test_all_on_the_page_can_be_selected_without_script(paneled: Any, manager: Any, panel: int) -> None:
    paneled("One"), paneled("Two")
    seen = page(manager.see(f"/cpar/panels/{panel}/selected", action="select-all"))
    assert seen.count(" checked>") == 2


@pytest.mark.parametrize("first", "=+-@|%＝＋－＠")
def test_a_cell_that_begins_like_a_formula_or_a_command_is_none_for_a_spreadsheet(first: str) -> None:
    _, *rows = csv.reader(io.StringIO(b"".join(csv_file([("Name",), (f"{first}cmd",), (f"\t {first}cmd",)])).decode()))
    assert rows == [[f"'{first}cmd"]] * 2


def test_the_export_holds_every_patient_safe_from_formulas_and_readable_in_excel(
    host: OscarHost, paneled: Any, manager: Any, panel: int
) -> None:
    paneled("=1+1", first_name="Zoë\n\x00@x")
    paneled("Wren, Jr", hin="")
    answer = manager.get(f"/cpar/panels/{panel}/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="panel-0042-2026-11-10.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    formula, wren = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert formula["Family name"] == "'=1+1"
    assert formula["Given name"] == "Zoë @x"
    assert formula["Will be submitted"] == "yes"
    assert wren["Family name"] == "Wren, Jr"
    assert (wren["Will be submitted"], wren["Reasons"]) == ("no", "No PHN")
    assert wren["MRP"] == "Okafor, Adaeze"
    assert wren["Last visit"] == "2026-10-05"
    with host.database.engine.connect() as connection:
        log = host.tables.log
        assert connection.scalar(select(log.c.provider_no).where(log.c.data.startswith("export panel: "))) == "301"


def test_a_page_asks_few_questions_of_the_database_however_many_there_are(
    host: OscarHost, paneled: Any, manager: Any, panel: int, statements: list[str], make_panel: Any
) -> None:
    for place in range(AT_ONCE // 10):
        confirmed_on(host, paneled(f"N{place:03}", hin="123456789", seen=None), "2020-01-01")
        make_panel(f"P{place}", digits="123456789")
    after = shown(page(manager.get(f"/cpar/panels/{panel}")))[3]
    confirmed = manager.post(f"/cpar/panels/{panel}/selected", action="confirm", selected=[str(after)])
    last_operation = {"operation_id": operation_of(page(manager.get(confirmed.location)))}
    for query in (
        {},
        {"after": after},
        {"show": "excluded", "after": after, "unseen": "1", "mrp": "outside"},
        {"show": "excluded", **last_operation},
        {"show": "sent", "before": after, **last_operation},
    ):
        statements.clear()
        page(manager.get(f"/cpar/panels/{panel}", **query))
        assert len(statements) <= 23, [text[:120] for text in statements]


def test_an_export_that_breaks_off_leaves_no_words_of_the_error_in_the_log(
    host: OscarHost, emr: OscarHost, paneled: Any, panel: int, caplog: pytest.LogCaptureFixture
) -> None:
    paneled("Wren")
    chunks = csv_file(export(host, host.identity.system, load({}), panel))
    next(chunks)
    with emr.database.session() as session:
        host.tables.provider.drop(session.connection())
    with pytest.raises(ExportInterrupted) as broken:
        list(chunks)
    assert broken.value.__suppress_context__
    assert re.search(r"an export of patients was interrupted: \w+Error\n", caplog.text)
    assert "SELECT" not in caplog.text
