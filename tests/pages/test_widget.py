"""The panel widget on the patient's page."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cpar_plugin.hooks.plugins import Plugins
from cpar_plugin.services import bulk, clinic, members
from oscar_host.clock import FixedClock
from oscar_host.host import OscarHost


def _on(host: OscarHost, patient_id: int) -> int | None:
    with host.database.engine.connect() as connection:
        panel = members.membership(connection, host, patient_id).panel
    return panel and panel.panel_id


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
    assert "10 Nov 2026" in page
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
    assert "11 Nov 2026" in page
    assert "confirmed by a person" in page


def test_a_date_that_was_only_inferred_says_so(host: OscarHost, oscar: Any, reception: Any, panel: int) -> None:
    patient = oscar.patient()
    oscar.visit(patient, "2026-10-05")
    bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    page = _text(reception.get(f"/patients/{patient}"))
    assert "5 Oct 2026" in page
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
def test_whoever_was_slower_sees_how_things_stand_and_decides_again(
    host: OscarHost, oscar: Any, reception: Any, panel: int, other_panel: int, action: str
) -> None:
    patient = oscar.patient()
    members.choose(host, host.identity.system, patient, other_panel, seen_panel_id=None)
    answer = reception.post(f"/cpar/patients/{patient}/{action}", panel_id=panel, seen_panel_id=panel)
    assert answer.status_code == 409
    page = _text(answer)
    assert "Somebody else has put this patient on panel 0077" in page
    assert f'name="seen_panel_id" value="{other_panel}"' in page
    assert _on(host, patient) == other_panel


def test_a_long_list_of_panels_is_a_list_to_type_into(
    oscar: Any, reception: Any, make_panel: Callable[..., int]
) -> None:
    for number in range(11):
        oscar.provider(f"8{number:02}", ohip_no="")
        make_panel(f"P{number:02}", f"8{number:02}", f"5000000{number:02}")
    page = _text(reception.get(f"/patients/{oscar.patient()}"))
    assert '<select name="panel_id"' in page
    assert page.count('<option value="') == 12


def test_the_widget_costs_one_statement_whatever_the_number_of_panels_and_patients(
    app: Any, host: OscarHost, oscar: Any, make_panel: Callable[..., int], statements: list[str]
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    patient = oscar.patient()
    members.choose(host, host.identity.system, patient, make_panel(), seen_panel_id=None)

    def counted() -> int:
        with app.test_request_context():
            statements.clear()
            [widget] = plugins.demographic_widgets(host, host.identity.system, patient)
        assert widget.summary == "0042 (Okafor, Adaeze)"
        return len(statements)

    few = counted()
    for number in range(30):
        oscar.provider(f"8{number:02}", ohip_no="")
        make_panel(f"P{number:02}", f"8{number:02}", f"5000000{number:02}")
        oscar.visit(oscar.patient())
    assert few == counted() == 1


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
    assert few == len(statements) == 2  # who may do what, and the widget itself


def test_a_host_that_draws_the_box_itself_gets_a_summary_and_an_address(
    app: Any, host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    plugins = Plugins()
    plugins.load_installed()
    patient = oscar.patient()
    with app.test_request_context():
        [widget] = plugins.demographic_widgets(host, host.identity.system, patient)
    assert widget.summary == "Not Paneled"
    for address in (widget.href, widget.refresh_url):
        assert "Not Paneled" in _text(reception.get(address))


def test_a_patient_whom_somebody_may_not_see_is_refused_to_them(
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
