"""The panel widget on the patient's page."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.widget import membership
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

pytestmark = pytest.mark.databases("one")


def _on(host: OscarHost, patient_id: int) -> int | None:
    with host.database.engine.connect() as connection:
        panel = membership(connection, host, load(host.settings), patient_id).panel
    return panel and panel.panel_id


def _reads(host: OscarHost, key: int) -> int:
    log = host.tables.log
    with host.database.engine.connect() as connection:
        return connection.scalar(
            select(func.count()).select_from(log).where(log.c.action == "read", log.c.contentId == str(key))
        )


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def test_nothing_shows_while_the_integration_is_off(app: Any, host: OscarHost, oscar: Any, reception: Any) -> None:
    patient = oscar.patient()
    clinic.disable(host, host.identity.system)
    assert "Panel (CPAR)" not in _text(reception.get(f"/patients/{patient}"))
    assert reception.get(f"/cpar/patients/{patient}/widget").status_code == 404


def test_a_patient_on_no_panel_is_not_paneled(oscar: Any, reception: Any, panel: int) -> None:
    page = _text(reception.get(f"/patients/{oscar.patient()}"))
    assert "Not Paneled" in page
    assert "0042 (Okafor, Adaeze)" in page
    assert "Confirm" not in page
    assert "Remove from current panel" not in page


def test_everyone_who_may_see_the_patient_can_choose_a_panel(
    host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    patient = oscar.patient()
    answer = reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    assert (answer.status_code, answer.location) == (303, f"/patients/{patient}")
    page = _text(reception.get(f"/patients/{patient}"))
    assert '<p class="cpar-widget-panel"> 0042 (Okafor, Adaeze) </p>' in page
    assert "Nov 10, 2026" in page
    assert "on adding" in page


def test_choosing_another_panel_moves_the_patient(
    host: OscarHost, oscar: Any, reception: Any, panel: int, other_panel: int
) -> None:
    patient = oscar.patient()
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=other_panel, seen_panel_id=panel)
    assert _on(host, patient) == other_panel


def test_confirm_is_offered_only_when_the_confirmation_date_is_not_today(
    host: OscarHost, oscar: Any, reception: Any, panel: int, clock: FixedClock
) -> None:
    patient = oscar.patient()
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    confirm = f"/cpar/patients/{patient}/confirm"
    assert confirm not in _text(reception.get(f"/patients/{patient}"))
    clock.move_to(clock.now() + timedelta(days=1))
    assert confirm in _text(reception.get(f"/patients/{patient}"))
    assert reception.post(confirm, seen_panel_id=panel).location == f"/patients/{patient}"
    page = _text(reception.get(f"/patients/{patient}"))
    assert confirm not in page
    assert "Nov 11, 2026" in page
    assert "confirmed by a person" in page


def test_a_date_that_was_only_inferred_says_so(host: OscarHost, oscar: Any, reception: Any, panel: int) -> None:
    patient = oscar.patient()
    oscar.visit(patient, "2026-10-05")
    bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    page = _text(reception.get(f"/patients/{patient}"))
    assert "Oct 5, 2026" in page
    assert "(last visit)" in page


def test_a_patient_can_be_removed_from_the_current_panel(
    host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    patient = oscar.patient()
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    assert "Remove from current panel" in _text(reception.get(f"/patients/{patient}"))
    reception.post(f"/cpar/patients/{patient}/remove", seen_panel_id=panel)
    assert "Not Paneled" in _text(reception.get(f"/patients/{patient}"))


@pytest.mark.parametrize("action", ["choose", "confirm", "remove"])
def test_a_user_who_was_slower_sees_how_things_are_and_decides_again(
    host: OscarHost, oscar: Any, reception: Any, panel: int, other_panel: int, action: str
) -> None:
    patient = oscar.patient()
    one_patient.choose(host, host.identity.system, patient, other_panel, seen_panel_id=None)
    answer = reception.post(f"/cpar/patients/{patient}/{action}", panel_id=panel, seen_panel_id=panel)
    assert answer.status_code == 409
    page = _text(answer)
    assert "Someone else moved this patient to panel 0077" in page
    assert f'name="seen_panel_id" value="{other_panel}"' in page
    assert _on(host, patient) == other_panel


@pytest.fixture
def many_panels(oscar: Any, make_panel: Callable[..., int]) -> list[int]:
    """The panels P00 to P11 of as many doctors; the last one's is Dr Lévesque."""
    panels = []
    for number in range(12):
        name = "Lévesque" if number == 11 else "Doctor"
        oscar.provider(f"8{number:02}", ohip_no="", last_name=name, first_name=f"No{number:02}")
        panels.append(make_panel(f"P{number:02}", f"8{number:02}", f"5000000{number:02}"))
    return panels


def test_the_panel_of_the_mrp_comes_first_and_many_others_are_found_by_typing(
    host: OscarHost, oscar: Any, reception: Any, many_panels: list[int]
) -> None:
    patient = oscar.patient(provider_no="805")
    page = _text(reception.get(f"/patients/{patient}"))
    assert re.findall(r'name="panel_id" value="(\d+)">([^<]+)<', page) == [(str(many_panels[5]), "P05 (Doctor, No05)")]
    assert page.index("Panel of the patient's MRP") < page.index('<input name="panel" list="cpar-other-panels"')
    offered = re.findall(r'<option value="([^"]+)">', page)
    assert (len(offered), offered[-1]) == (11, "P11 (Lévesque, No11)")
    assert len(re.findall('id="cpar-other-panels"', page)) == 1


@pytest.mark.parametrize("typed", ["P11 (Lévesque, No11)", "P11", " levesque ", "11 lév", "5000-00011"])
def test_what_is_typed_is_the_panel_that_it_names(
    host: OscarHost, oscar: Any, reception: Any, many_panels: list[int], typed: str
) -> None:
    patient = oscar.patient()
    reception.post(f"/cpar/patients/{patient}/choose", panel=typed, seen_panel_id="")
    assert _on(host, patient) == many_panels[11]


@pytest.mark.parametrize(
    ("typed", "message"),
    [("doctor", "This text fits 11 panels"), ("xyz", "No panel has this"), (" ", "No panel has this")],
)
def test_what_is_typed_and_names_no_panel_or_several_changes_nothing(
    host: OscarHost, oscar: Any, reception: Any, many_panels: list[int], typed: str, message: str
) -> None:
    patient = oscar.patient()
    answer = reception.post(f"/cpar/patients/{patient}/choose", headers=IN_PLACE, panel=typed, seen_panel_id="")
    assert answer.status_code == 422
    assert message in _text(answer)
    assert _on(host, patient) is None


@pytest.mark.databases("both")
def test_the_widget_costs_four_statements_whatever_the_number_of_panels_and_patients(
    app: Any, host: OscarHost, oscar: Any, make_panel: Callable[..., int], statements: list[str]
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    patient = oscar.patient()
    one_patient.choose(host, host.identity.system, patient, make_panel(), seen_panel_id=None)

    def counted() -> int:
        with app.test_request_context():
            statements.clear()
            [widget] = plugins.emr_demographic_widgets(host, host.identity.system, patient)
        assert widget.summary == "Panel 0042 (Okafor, Adaeze), confirmed Nov 10, 2026"
        return len(statements)

    few = counted()
    for number in range(30):
        oscar.provider(f"8{number:02}", ohip_no="")
        make_panel(f"P{number:02}", f"8{number:02}", f"5000000{number:02}")
        oscar.visit(oscar.patient())
    # The patient's record, the panels to choose from, affiliations and caseloads, and what reports say.
    assert few == counted() == 4


def test_the_whole_request_for_the_fragment_costs_the_same_with_many_panels(
    oscar: Any, reception: Any, make_panel: Callable[..., int], statements: list[str]
) -> None:
    patient = oscar.patient()
    address = f"/cpar/patients/{patient}/widget"
    make_panel()
    reception.get(address)
    statements.clear()
    assert reception.get(address).status_code == 200
    few = len(statements)
    for number in range(30):
        oscar.provider(f"8{number:02}", ohip_no="")
        make_panel(f"P{number:02}", f"8{number:02}", f"5000000{number:02}")
    statements.clear()
    reception.get(address)
    assert few == len(statements) == 6  # whose session, who may do what, and the three of the widget


def test_a_host_that_draws_the_box_itself_gets_a_summary_and_an_address(
    app: Any, host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    patient = oscar.patient()
    with app.test_request_context():
        [widget] = plugins.emr_demographic_widgets(host, host.identity.system, patient)
    assert widget.summary == "Not Paneled"
    for address in (widget.href, widget.refresh_url):
        assert "Not Paneled" in _text(reception.get(address))


def test_a_patient_that_someone_may_not_see_is_refused_to_them(
    host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    patient = oscar.patient()
    oscar.privilege("receptionist", f"_demographic${patient}", "o")
    assert reception.get(f"/patients/{patient}").status_code == 403
    assert reception.get(f"/cpar/patients/{patient}/widget").status_code == 403
    assert reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="").status_code == 403
    assert _on(host, patient) is None


def test_an_mrp_outside_the_panel_is_allowed_and_shown(oscar: Any, reception: Any, other_panel: int) -> None:
    patient = oscar.patient(provider_no="101")
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=other_panel, seen_panel_id="")
    assert "MRP is not a provider of this panel" in _text(reception.get(f"/patients/{patient}")).replace("&#39;", "'")


IN_PLACE = {"HX-Request": "true", "HX-Target": "cpar-widget"}


@pytest.mark.parametrize(
    ("columns", "visited", "line"),
    [
        ({"hin": ""}, True, "No PHN. Enter the patient's PHN."),
        ({}, False, "No visit in the past."),
        ({"patient_status": "IN"}, True, "Patient is not active (Inactive). Set the status to Active if"),
        ({"last_name": ""}, True, "No family name."),
        ({"hc_type": "BC"}, True, "Health card from another jurisdiction."),
    ],
)
def test_a_member_who_will_be_excluded_is_shown_with_what_to_do(
    oscar: Any, reception: Any, panel: int, columns: dict[str, str], visited: bool, line: str
) -> None:
    patient = oscar.patient(**columns)
    if visited:
        oscar.visit(patient)
    assert "excluded" not in _text(reception.get(f"/patients/{patient}"))  # on no panel, nobody waits for it
    reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="")
    page = re.sub("<[^>]+>", "", _text(reception.get(f"/patients/{patient}"))).replace("&#39;", "'")
    assert "Will be excluded from the next submission." in page
    assert line in page


def test_the_deceased_are_named_so_and_cannot_be_confirmed(
    oscar: Any, reception: Any, panel: int, clock: FixedClock
) -> None:
    living, patient = oscar.patient(), oscar.patient(patient_status="DE")
    for one in (living, patient):
        reception.post(f"/cpar/patients/{one}/choose", panel_id=panel, seen_panel_id="")
    clock.move_to(clock.now() + timedelta(days=2))
    assert "/confirm" in _text(reception.get(f"/patients/{living}"))
    page = _text(reception.get(f"/patients/{patient}"))
    assert "Patient is not active (Deceased)." in page
    assert "/confirm" not in page
    assert "Set the status to Active" not in page
    answer = reception.post(f"/cpar/patients/{patient}/confirm", seen_panel_id=panel)
    assert answer.status_code == 422
    assert "This patient is deceased and cannot be confirmed." in _text(answer)


def test_a_phn_that_another_member_has_too_is_reported_on_both_pages(
    host: OscarHost, oscar: Any, reception: Any, panel: int, other_panel: int
) -> None:
    patient, other = oscar.patient(hin="123 456-782"), oscar.patient(hin="123456782")
    for one in (patient, other):
        oscar.visit(one)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    assert "excluded" not in _text(reception.get(f"/patients/{patient}"))
    one_patient.choose(host, host.identity.system, other, other_panel, seen_panel_id=None)
    for one in (patient, other):
        page = _text(reception.get(f"/patients/{one}"))
        assert "PHN is shared with another patient" in page
        assert page.count("Will be excluded") == 1


def test_a_member_who_will_be_sent_is_shown_with_doubts_only(
    host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    patient = oscar.patient(hin="123456704", sex="U")
    oscar.visit(patient)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    page = _text(reception.get(f"/patients/{patient}"))
    assert "excluded" not in page
    assert page.count("Will be submitted, but check") == 1
    assert "Gender is unknown" in page


def test_a_paneled_patient_is_moved_or_removed_by_the_panels_options(
    host: OscarHost, oscar: Any, reception: Any, panel: int, other_panel: int
) -> None:
    patient = oscar.patient()
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    page = _text(reception.get(f"/patients/{patient}"))
    options = page[page.index("Panel options") :]
    assert options.index("Remove from current panel") < options.index("Move to another panel")
    assert f'name="panel_id" value="{other_panel}"' in options
    assert f'name="panel_id" value="{panel}"' not in options
    assert "Add to a panel" not in page


@pytest.mark.parametrize("address", ["/cpar/patients/{}/widget", "/cpar/patients/{}/panel"])
def test_a_record_that_does_not_exist_has_no_widget(reception: Any, panel: int, address: str) -> None:
    answer = reception.get(address.format(987654))
    assert answer.status_code == 404
    assert "Not Paneled" not in _text(answer)
    assert "open the record that was kept" in _text(answer)


def test_a_script_gets_the_widget_as_it_is_now_instead_of_the_way_to_a_page(
    host: OscarHost, oscar: Any, reception: Any, panel: int, other_panel: int
) -> None:
    patient = oscar.patient()
    address = f"/cpar/patients/{patient}"
    added = reception.post(f"{address}/choose", headers=IN_PLACE, panel_id=panel, seen_panel_id="")
    assert added.status_code == 200
    assert _text(added).strip().startswith('<div class="cpar cpar-widget"')
    assert "Added to this panel" in _text(added)
    assert "0042 (Okafor, Adaeze)" in _text(added)
    late = reception.post(f"{address}/choose", headers=IN_PLACE, panel_id=other_panel, seen_panel_id="")
    assert late.status_code == 409
    assert "Someone else moved this patient to panel 0042" in _text(late)
    assert f'name="seen_panel_id" value="{panel}"' in _text(late)
    gone = reception.post(f"{address}/choose", headers=IN_PLACE, panel_id=999, seen_panel_id=panel)
    assert gone.status_code == 404
    assert "This panel has been deleted: select another one." in _text(gone)
    nothing = reception.post(f"{address}/choose", headers=IN_PLACE, panel_id="", seen_panel_id=panel)
    assert nothing.status_code == 422
    assert "Select a panel from the list." in _text(nothing)


def test_a_script_is_answered_in_plain_words_when_it_may_not_or_the_integration_is_off(
    app: Any, host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    patient = oscar.patient()
    address = f"/cpar/patients/{patient}/choose"
    oscar.privilege("receptionist", f"_demographic${patient}", "o")
    barred = reception.post(address, headers=IN_PLACE, panel_id=panel, seen_panel_id="")
    assert barred.status_code == 403
    clinic.disable(host, host.identity.system)
    off = reception.post(f"/cpar/patients/{oscar.patient()}/choose", headers=IN_PLACE, panel_id=panel, seen_panel_id="")
    assert off.status_code == 404
    for answer, line in ((barred, "You do not have access to this patient"), (off, "turned off")):
        assert _text(answer).strip().startswith('<div class="cpar-errors" role="alert"')
        assert answer.headers["HX-Reswap"] == "innerHTML"
        assert line in _text(answer)


def _asks_to_sign_in(answer: Any, href: str) -> None:
    assert (answer.status_code, answer.headers["HX-Reswap"]) == (403, "afterbegin")
    assert f'You are signed out: <a href="{href}" target="_blank"' in _text(answer)


def test_a_form_in_the_box_gets_a_sentence_once_the_session_has_ended(oscar: Any, nobody: Any, reception: Any) -> None:
    patient = oscar.patient()
    address = f"/cpar/patients/{patient}/confirm"
    details = f"/patients/{patient}/details"
    answer = nobody.post(address, headers=IN_PLACE, seen_panel_id="", return_to=details)
    _asks_to_sign_in(answer, f"/sign-in?next=%2Fpatients%2F{patient}%2Fdetails")
    reception.post(address, seen_panel_id="")
    reception.client.delete_cookie("oscar_embedded")
    from_details = {"Referer": f"http://localhost{details}"}
    answer = reception.post(address, headers=IN_PLACE | from_details, seen_panel_id="")
    _asks_to_sign_in(answer, f"/sign-in?next=%2Fpatients%2F{patient}%2Fdetails")
    answer = reception.post(address, headers=from_details, seen_panel_id="")
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=%2Fcpar%2Finterrupted%3Fform%3D")


def test_one_comes_back_to_the_page_that_one_came_from(
    oscar: Any, reception: Any, panel: int, other_panel: int
) -> None:
    patient = oscar.patient()
    for address, chosen, seen in ((f"/patients/{patient}", panel, ""), (f"/patients/{patient}/details", panel, panel)):
        shown = reception.get(address)
        assert f'name="return_to" value="{address}"' in _text(shown)
        answer = reception.post(
            f"/cpar/patients/{patient}/choose", panel_id=chosen, seen_panel_id=seen, return_to=address
        )
        assert answer.location == address
    late = reception.post(
        f"/cpar/patients/{patient}/choose",
        panel_id=other_panel,
        seen_panel_id="",
        return_to=f"/patients/{patient}/details",
    )
    assert f'<a href="/patients/{patient}/details" target="_self">Back to the patient</a>' in _text(late)
    assert f'name="return_to" value="/patients/{patient}/details"' in _text(late)


@pytest.mark.parametrize(
    "elsewhere",
    ["https://elsewhere.invalid/", "//elsewhere.invalid/", "/\\elsewhere.invalid/", "/\t/elsewhere.invalid", "x", ""],
)
def test_a_form_leads_to_no_other_site(oscar: Any, reception: Any, panel: int, elsewhere: str) -> None:
    patient = oscar.patient()
    answer = reception.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id="", return_to=elsewhere)
    assert answer.location == f"/patients/{patient}"


def test_the_page_of_anyone_who_was_slower_names_the_patient_in_the_page_alone(
    host: OscarHost, oscar: Any, reception: Any, panel: int, caplog: pytest.LogCaptureFixture
) -> None:
    patient = oscar.patient(last_name="Brightwater", first_name="Noor")
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    answer = reception.post(f"/cpar/patients/{patient}/remove", seen_panel_id="")
    page = _text(answer)
    assert "Patient: <strong>BRIGHTWATER, Noor</strong>" in page
    assert page.upper().count("BRIGHTWATER") == 1
    assert "Brightwater" not in caplog.text
    assert "Brightwater" not in str(answer.headers)


def test_both_views_of_a_patient_are_read_under_the_same_rights_and_recorded_alike(
    host: OscarHost, oscar: Any, reception: Any, nobody: Any, panel: int
) -> None:
    patient, barred = oscar.patient(last_name="Brightwater"), oscar.patient(last_name="Hidden")
    oscar.privilege("receptionist", f"_demographic${barred}", "o")
    for number, address in enumerate(("/patients/{}", "/patients/{}/details"), start=1):
        assert "BRIGHTWATER" in _text(reception.get(address.format(patient)))
        assert _reads(host, patient) == number
        refused = reception.get(address.format(barred))
        assert refused.status_code == 403
        assert "HIDDEN" not in _text(refused)
        assert reception.get(address.format(987654)).status_code == 404
        assert nobody.get(address.format(patient)).location.startswith("/sign-in")
    assert _reads(host, barred) == 0
