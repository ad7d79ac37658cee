"""Every address of the FHIR interface, and everybody who could try."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import register
from oscar_host.host import OscarHost

from .clients import Registered

MANAGER, RECEPTION = "301", "201"
CALLERS = ("nobody", "revoked", "other scope", "other panel", "right scope", "manager", "reception")

# fmt: off
#                  nobody, revoked, other scope, other panel, right scope, manager, reception
OPEN =            (200,    200,     200,         200,         200,         200,     200)
OF_THE_PANEL =    (401,    401,     403,         404,         200,         200,     403)
OF_THE_CLINIC =   (401,    401,     403,         200,         200,         200,     403)
SEARCHED =        (401,    401,     403,         200,         200,         200,     403)
POSTED =          (401,    401,     403,         200,         200,         403,     403)  # a cookie alone posts nothing
DEFINITION =      (401,    401,     404,         404,         404,         404,     403)  # of an id that there is not
NOTHING_HERE =    (401,    401,     404,         404,         404,         404,     403)
NOT_DONE =        (401,    401,     501,         501,         501,         501,     403)
# fmt: on
WITHOUT_AN_ASSERTION = (400,) * len(CALLERS)

EXPECTED = {
    ("POST", "/fhir/token"): WITHOUT_AN_ASSERTION,
    ("GET", "/fhir/.well-known/smart-configuration"): OPEN,
    ("GET", "/fhir/metadata"): OPEN,
    **{("GET", f"/fhir/{kind}/<resource_id>"): OF_THE_PANEL for kind in KINDS},
    ("GET", "/fhir/Organization/<resource_id>"): OF_THE_CLINIC,
    ("GET", "/fhir/Location/<resource_id>"): OF_THE_CLINIC,  # both panels are of one facility
    **{("GET", f"/fhir/{kind}"): SEARCHED for kind in KINDS},
    **{("POST", f"/fhir/{kind}/_search"): POSTED for kind in KINDS},
    **{
        ("GET", f"/fhir/{kind}/<definition_id>"): DEFINITION
        for kind in ("CodeSystem", "SearchParameter", "StructureDefinition", "ValueSet")
    },
    ("GET", "/fhir/"): NOT_DONE,
    ("GET", "/fhir/<path:rest>"): NOTHING_HERE,
}


def addresses(app: Flask) -> Iterator[str]:
    return (rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("cpar_fhir."))


def test_every_address_has_an_expectation(app: Flask) -> None:
    assert sorted(addresses(app)) == sorted(address for _, address in EXPECTED)


@pytest.fixture
def staff(oscar: Any) -> None:
    """A manager of panels, a receptionist."""
    oscar.provider(MANAGER, last_name="Penner")
    oscar.provider(RECEPTION, last_name="Santos")
    oscar.role(MANAGER, "CPAR Admin", "receptionist")
    oscar.role(RECEPTION, "receptionist")
    oscar.privilege("CPAR Admin", "_admin.cpar", "x")
    oscar.privilege("receptionist", "_demographic", "x")


@pytest.mark.parametrize("caller", CALLERS)
def test_every_address_answers_each_caller_as_expected(
    app: Flask,
    site: OscarHost,
    clerk: Actor,
    staff: None,
    panel: int,
    people: dict[str, int],
    make_panel: Callable[..., int],
    registered: Callable[..., Registered],
    caller: str,
) -> None:
    elsewhere = make_panel("0099", "103")
    ids = {
        "Group": str(panel),
        "Location": "000113",
        "Organization": "clinic",
        "Patient": str(people["helene"]),
        "Practitioner": "101",
        "PractitionerRole": "101-000113",
    }
    place, answered = CALLERS.index(caller), {}
    for number, (method, address) in enumerate(EXPECTED):
        kind = address.split("/")[2]
        path = address.replace("<resource_id>", ids.get(kind, "")).replace("<definition_id>", "none")
        path = path.replace("<path:rest>", "Observation/1")
        headers, browser = {}, app.test_client()
        if caller in ("manager", "reception"):
            with browser.session_transaction() as session:
                session["provider_id"] = MANAGER if caller == "manager" else RECEPTION
        elif caller != "nobody":
            other = "Group" if kind != "Group" else "Patient"
            scopes = f"system/{other if caller == 'other scope' else kind if kind in KINDS else '*'}.rs"
            panels = (elsewhere,) if caller == "other panel" else ()
            client = registered(f"Client {number}", scopes=scopes, panels=panels)
            headers["Authorization"] = f"Bearer {client.token()}"
            if caller == "revoked":
                register.revoke(site, clerk, client.client_id)
        answer = browser.open(path, method=method, headers=headers, data={} if method == "POST" else None)
        answered[method, address] = answer.status_code
        shown = answer.get_data(as_text=True)
        answer.close()
        if EXPECTED[method, address][place] != 200 or caller == "other panel":
            assert "Tremblay" not in shown, address
    assert answered == {address: statuses[place] for address, statuses in EXPECTED.items()}
