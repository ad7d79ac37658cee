"""Every address of the FHIR interface, and everybody who could try."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from cpar_plugin.domain.scopes import CONFIRM, KINDS, NAMED_ALONE, SUBSCRIBE
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry
from oscar_host.host import OscarHost

from ..signing_in import sign_in
from .clients import Registered
from .exporting import ASYNC, accepted, finished, kick_off
from .receiver import switched_off
from .rest import MANAGER, RECEPTION, Reader

EVERY = (*KINDS, *NAMED_ALONE)
DEFINITIONS = (
    "Basic",
    "CodeSystem",
    "ImplementationGuide",
    "OperationDefinition",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
)
CALLERS = ("nobody", "revoked", "other scope", "other panel", "right scope", "manager", "reception")

# fmt: off
#                  nobody, revoked, other scope, other panel, right scope, manager, reception
OPEN =            (200,    200,     200,         200,         200,         200,     200)
OF_THE_PANEL =    (401,    401,     403,         404,         200,         200,     403)
OF_THE_CLINIC =   (401,    401,     403,         200,         200,         200,     403)
SEARCHED =        (401,    401,     403,         200,         200,         200,     403)
POSTED =          (401,    401,     403,         200,         200,         403,     403)  # a cookie alone posts nothing
NO_DEFINITION =   (404,    404,     404,         404,         404,         404,     404)  # open to all; no such id
NO_KEY =          (404,    404,     404,         404,         404,         404,     404)  # it is for the registry
NOTHING_HERE =    (401,    401,     404,         404,         404,         404,     403)
EXPORTED =        (401,    401,     202,         202,         202,         202,     403)  # what each of them may read
OF_ONE_PANEL =    (401,    401,     202,         404,         202,         202,     403)
POSTED_EXPORT =   (401,    401,     202,         202,         202,         403,     403)
POSTED_OF_PANEL = (401,    401,     202,         404,         202,         403,     403)
CONFIRMED =       (401,    401,     403,         404,         415,         403,     403)  # what is sent says nothing
OWN =             (401,    401,     403,         404,         404,         404,     403)  # another client's
SENT =            (401,    401,     403,         415,         415,         403,     403)  # what is sent says nothing
REMOVED =         (401,    401,     403,         404,         404,         403,     403)
NO_VERSION =      (401,    401,     403,         404,         404,         404,     403)  # no such version
NOT_THEIRS =      (401,    401,     404,         404,         404,         404,     403)  # an export of somebody else's
CANCELLED =       (401,    401,     404,         404,         404,         403,     403)
BATCH =           (401,    401,     415,         415,         415,         403,     403)  # nothing is sent
# fmt: on
WITHOUT_AN_ASSERTION = (400,) * len(CALLERS)

EXPECTED = {
    ("POST", "/fhir/token"): WITHOUT_AN_ASSERTION,
    ("GET", "/fhir/.well-known/smart-configuration"): OPEN,
    ("GET", "/fhir/metadata"): OPEN,
    ("GET", "/fhir/openapi.json"): OPEN,
    **{("GET", f"/fhir/{kind}/<resource_id>"): OF_THE_PANEL for kind in EVERY},
    ("GET", "/fhir/Organization/<resource_id>"): OF_THE_CLINIC,
    ("GET", "/fhir/Location/<resource_id>"): OF_THE_CLINIC,  # both panels are of one facility
    **{("GET", f"/fhir/{kind}/<resource_id>/_history/<version>"): NO_VERSION for kind in EVERY},
    **{("GET", f"/fhir/{kind}"): SEARCHED for kind in EVERY},
    **{("POST", f"/fhir/{kind}/_search"): POSTED for kind in EVERY},
    **{("GET", f"/fhir/{kind}/<definition_id>"): NO_DEFINITION for kind in DEFINITIONS},
    **{("GET", f"/fhir/{kind}"): OPEN for kind in DEFINITIONS},
    **{("POST", f"/fhir/{kind}/_search"): OPEN for kind in DEFINITIONS},
    ("GET", "/fhir/Subscription/<resource_id>"): OWN,
    ("GET", "/fhir/Subscription/<resource_id>/$status"): OWN,
    ("GET", "/fhir/Subscription/<resource_id>/$events"): OWN,
    ("PUT", "/fhir/Subscription/<resource_id>"): SENT,
    ("DELETE", "/fhir/Subscription/<resource_id>"): REMOVED,
    ("GET", "/fhir/Subscription/$status"): SEARCHED,
    ("POST", "/fhir/Subscription"): SENT,
    ("GET", "/fhir/$export"): EXPORTED,
    ("POST", "/fhir/$export"): POSTED_EXPORT,
    ("GET", "/fhir/Group/<resource_id>/$export"): OF_ONE_PANEL,
    ("POST", "/fhir/Group/<resource_id>/$export"): POSTED_OF_PANEL,
    ("POST", "/fhir/Group/<resource_id>/$confirm"): CONFIRMED,
    ("GET", "/fhir/export/<export_id>"): NOT_THEIRS,
    ("DELETE", "/fhir/export/<export_id>"): CANCELLED,
    ("GET", "/fhir/export/<export_id>/<name>"): NOT_THEIRS,
    ("GET", "/fhir/submitted/<snapshot_id>/<number>"): NO_KEY,
    ("GET", "/fhir/submitted/<snapshot_id>/<number>/<name>"): NO_KEY,
    ("POST", "/fhir/"): BATCH,
    ("GET", "/fhir/<path:rest>"): NOTHING_HERE,
    ("GET", "/fhir/<string(minlength=0):first>/<path:rest>"): NOTHING_HERE,
}


@pytest.fixture
def app(site: OscarHost, served: Callable[..., Flask]) -> Flask:
    """A token for each address, in less than a minute."""
    return served(site, {"fhir_tokens_per_minute": "1000"})


def addresses(app: Flask) -> Iterator[str]:
    return (rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("cpar_fhir."))


def test_every_address_has_an_expectation(app: Flask) -> None:
    assert set(addresses(app)) == {address for _, address in EXPECTED}


@pytest.mark.parametrize("caller", CALLERS)
def test_every_address_answers_each_caller_as_expected(
    app: Flask,
    site: OscarHost,
    clerk: Actor,
    staff: None,
    panel: int,
    people: dict[str, int],
    conflict: str,
    clock: FixedClock,
    make_panel: Callable[..., int],
    registered: Callable[..., Registered],
    caller: str,
) -> None:
    elsewhere = make_panel("0099", "103")
    another = switched_off(site, registry.number_of(registered("Subscriber").client_id) or 0)
    ids = {
        "Group": str(panel),
        "Location": "000113",
        "Organization": "clinic",
        "Patient": str(people["helene"]),
        "Practitioner": "101",
        "PractitionerRole": "101-000113",
        "Subscription": another,
        "Task": conflict,
    }
    owner = Reader(app, registered("Owner").token())
    theirs = accepted(kick_off(owner)).rpartition("/")[2]
    assert finished(owner, f"/export/{theirs}").status_code == 200
    place, answered = CALLERS.index(caller), {}
    for number, (method, address) in enumerate(EXPECTED):
        if number == len(EXPECTED) // 2:  # an address gets so many tokens in a minute
            clock.move_to(clock.now() + timedelta(minutes=2))
        kind = address.split("/")[2]
        path = address.replace("<resource_id>", ids.get(kind, "")).replace("<definition_id>", "none")
        path = path.replace("<path:rest>", "Observation/1").replace("<export_id>", theirs)
        path = path.replace("<version>", "0").replace("<string(minlength=0):first>", "Nothing")
        path = path.replace("<name>", "Patient.ndjson")
        headers, browser = dict(ASYNC), app.test_client()
        if caller in ("manager", "reception"):
            sign_in(browser, MANAGER if caller == "manager" else RECEPTION)
        elif caller != "nobody":
            other = "Group" if kind != "Group" else "Patient"
            scopes = f"system/{other if caller == 'other scope' else kind if kind in EVERY else '*'}.rs"
            if address.endswith("$confirm") and caller != "other scope":
                scopes = CONFIRM
            if kind == "Subscription" and caller != "other scope":
                scopes = SUBSCRIBE
            panels = (elsewhere,) if caller == "other panel" else ()
            client = registered(f"Client {number}", scopes=scopes, panels=panels)
            headers["Authorization"] = f"Bearer {client.token(scopes)}"
            if caller == "revoked":
                registry.revoke(site, clerk, client.client_id)
        answer = browser.open(path, method=method, headers=headers, data={} if method == "POST" else None)
        answered[method, address] = answer.status_code
        shown = answer.get_data(as_text=True)
        answer.close()
        while caller == "manager" and "Content-Location" in answer.headers:  # one at a time
            if browser.get(answer.headers["Content-Location"]).status_code != 202:
                break
        if EXPECTED[method, address][place] >= 300 or caller == "other panel":
            assert "Tremblay" not in shown, address
    assert answered == {address: statuses[place] for address, statuses in EXPECTED.items()}
