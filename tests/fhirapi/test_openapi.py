"""The OpenAPI description tells the truth: schemathesis sends what it allows and what not, and finds nothing."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from flask import Flask

from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import editing, one_patient
from oscar_host.host import OscarHost

from ..serving import serving
from .clients import Registered
from .exporting import accepted, finished, kick_off
from .rest import Json, Reader
from .strict_openapi import strict
from .test_confirm import asked

AT = "/openapi.json"
UNLIMITED = {"fhir_requests_per_minute": "1000000000", "fhir_tokens_per_minute": "1000000000", "fhir_page_size": "2"}
ALL_OTHERS = {"/{rest}", "/<string(minlength=0):first>/{rest}"}
PHASES = "examples,fuzzing,stateful"
# What "coverage" sends is mostly refused before a database is asked.
MORE_PHASES = {"sqlite": "examples,coverage,fuzzing,stateful", "mysql": PHASES}
EXAMPLES, SEED = os.environ.get("CPAR_TEST_SCHEMATHESIS", "6 1").split()
FEW_EXAMPLES = "3"


@pytest.fixture
def app(site: OscarHost, served: Callable[..., Flask]) -> Flask:
    """The interface without limits of how often it may be asked, and with short pages."""
    return served(site, UNLIMITED)


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the interface answers."""
    with serving(app) as address:
        yield f"{address}/fhir"


@pytest.fixture
def ids(
    site: OscarHost,
    clerk: Actor,
    make_panel: Callable[..., int],
    panel: int,
    people: dict[str, int],
    conflict: str,
    reader: Reader,
) -> dict[str, list[str]]:
    """What there is of each kind, and a panel and a provider that were there."""
    gone = make_panel("0043", "103")
    one_patient.choose(site, clerk, people["trudy"], gone, seen_panel_id=panel)
    for kind in ("Patient", "Practitioner"):
        reader.json(f"/{kind}")
    editing.delete(site, clerk, gone, 1)
    return {
        "Group": [str(panel), str(gone)],
        "Location": ["000113"],
        "Organization": ["clinic"],
        "Patient": [str(one) for one in people.values()],
        "Practitioner": ["101", "102", "103"],
        "PractitionerRole": ["101-000113"],
        "Task": [conflict],
    }


@pytest.fixture
def described(app: Flask) -> Json:
    """The description, as anybody may have it."""
    return Reader(app, None).json(AT)


def test_every_address_is_described_and_nothing_else(app: Flask, described: Json) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/fhir/")}
    addresses = {re.sub("<(path:|[a-z]+_)?([a-z]+)>", r"{\2}", rule.removeprefix("/fhir")) for rule in rules}
    assert addresses - ALL_OTHERS == set(described["paths"])


def test_every_method_is_described_and_nothing_else(reader: Reader, described: Json) -> None:
    for path, methods in described["paths"].items():
        answer = reader.send("OPTIONS", path.replace("{id}", "1"))
        allowed = set(answer.headers["Allow"].lower().split(", "))
        assert (answer.status_code, allowed - {"head"}) == (405, set(methods)), path


def test_every_method_that_there_is_gets_an_answer_in_fhir(reader: Reader) -> None:
    for method in ("TRACE", "CONNECT", "QUERY", "PATCH"):
        for path in ("/Patient", "/metadata", "/token", AT):
            answer = reader.send(method, path)
            assert (answer.status_code, answer.mimetype) == (405, "application/fhir+json"), (method, path)


def test_it_says_nothing_of_the_clinic_but_its_address(reader: Reader, panel: int) -> None:
    anybody = Reader(reader.app, None).get(AT)
    assert anybody.data == reader.get(AT).data
    assert anybody.json is not None
    assert anybody.json["servers"] == [{"url": "http://localhost/fhir"}]
    for known in ("Example Clinic", "S-1", "0042", "000113"):
        assert known not in anybody.text


def test_no_way_to_a_token_is_described_where_none_is_given(described: Json, app: Flask) -> None:
    [flow] = described["components"]["securitySchemes"]["smart"]["flows"].values()
    assert flow["tokenUrl"] == "http://localhost/fhir/token"
    elsewhere = app.test_client().get(f"/fhir{AT}", base_url="http://emr.example").json
    assert elsewhere is not None
    assert elsewhere["components"]["securitySchemes"] == {"smart": {"type": "http", "scheme": "bearer"}}


def test_a_moment_is_described_as_one_and_may_be_any_past_day(described: Json, reader: Reader) -> None:
    for path in ("/$export", "/Group/{id}/$export"):
        asked = {one["name"]: one["schema"] for one in described["paths"][path]["get"]["parameters"]}
        assert asked["_since"] == {"type": "string", "format": "date-time"}
        assert not any("pattern" in asked[name] for name in ("_since", "_elements"))
    schemas = described["components"]["schemas"]
    assert schemas["Parameters"]["properties"]["parameter"]["items"]["properties"]["valueInstant"] == asked["_since"]
    assert schemas["Manifest"]["properties"]["transactionTime"] == asked["_since"]
    for since in (
        "2026-11-10T10:00:00Z",
        "2026-10-31T23:59:59.5-06:00",
        "2026-09-30T00:00:00Z",
        "2024-02-29T01:00:00Z",
    ):
        address = accepted(kick_off(reader, query={"_since": since}))
        assert reader.send("DELETE", address).status_code == 202


@pytest.mark.peer("schemathesis")
@pytest.mark.parametrize(
    "is_large",
    [pytest.param(False, marks=pytest.mark.databases("one")), pytest.param(True, marks=pytest.mark.large)],
    ids=["some", "many"],
)
def test_schemathesis_finds_nothing(
    is_large: bool,
    address: str,
    described: Json,
    registered: Callable[..., Registered],
    site: OscarHost,
    ids: dict[str, list[str]],
    tmp_path: Path,
) -> None:
    scopes = "system/*.rs system/Task.rs system/Group.u"
    client = registered("Schemathesis", scopes=scopes)
    token = client.token(scopes)
    exporter = Reader(client.app, token)
    exports = [_exported(exporter) for _ in range(2)]
    settings, description, har = (tmp_path / name for name in ("schemathesis.toml", "openapi.json", "sent.har"))
    settings.write_text(_settings(ids))
    description.write_bytes(orjson.dumps(_for_this_clinic(strict(described), ids, *exports)))
    signing = {"id": client.client_id, "kid": client.pair.kid, "key": client.pair.private}
    run = subprocess.run(
        [
            *(Path(sys.executable).with_name("st"), "--config-file", settings, "run", description, "--url", address),
            *("--header", f"Authorization: Bearer {token}", "--header", "Accept: application/fhir+json"),
            *("--seed", SEED, "--max-examples", EXAMPLES if is_large else FEW_EXAMPLES),
            *("--phases", MORE_PHASES[site.database.engine.dialect.name] if is_large else PHASES),
            *("--generation-database", "none"),
            *("--report", "har", "--report-har-path", har, "--warnings", "off", "--no-color"),
        ],
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
            "FHIR_CLIENT": orjson.dumps(
                {**signing, "now": site.clock.now(), "token_url": f"{address}/token"},
            ).decode(),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    statuses = _came_everywhere(orjson.loads(har.read_bytes()), address, described["paths"])
    assert {400, 404, 406, 410} <= statuses
    assert 304 in statuses or not is_large


def _exported(exporter: Reader) -> str:
    """The id of a finished export."""
    address = accepted(kick_off(exporter))
    assert finished(exporter, address).status_code == 200
    return address.rpartition("/")[2]


def _for_this_clinic(described: Json, ids: dict[str, list[str]], kept: str, doomed: str) -> Json:
    """The description with ids as examples, and with links from a kick-off to its export: OpenAPI itself has none."""
    files = [f"{kind}.ndjson" for kind in KINDS]
    places = {f"/{kind}/{{id}}": {"id": known} for kind, known in ids.items()} | {
        "/Group/{id}/$export": {"id": ids["Group"]},
        "/Group/{id}/$confirm": {"id": ids["Group"]},
        "/export/{id}": {"id": [kept]},
        "/export/{id}/{name}": {"id": [kept], "name": files},
    }
    for path, examples in places.items():
        for method, operation in described["paths"][path].items():
            for parameter in operation["parameters"]:
                known = [doomed] if method == "delete" else examples.get(parameter["name"], [])
                parameter["examples"] = {f"example-{place}": {"value": one} for place, one in enumerate(known)}
    for content in described["paths"]["/Group/{id}/$confirm"]["post"]["requestBody"]["content"].values():
        members = [asked(member, f"key-{member}") for member in ids["Patient"]]
        content |= {"schema": {"enum": members}, "examples": {"member": {"value": members[0]}}}
    # Schemathesis leaves out the token and makes up others where it knows how one is sent: of OAuth it does not.
    described["components"]["securitySchemes"]["smart"] = {"type": "http", "scheme": "bearer"}
    parameters = {"id": "$response.header.Content-Location#regex:/export/(.+)$"}
    links = {name: {"operationId": name, "parameters": parameters} for name in ("exportStatus", "cancelExport")}
    for path in ("/$export", "/Group/{id}/$export"):
        for operation in described["paths"][path].values():
            operation["responses"]["202"]["links"] = links
    return described


def _settings(ids: dict[str, list[str]]) -> str:
    """Most of what is read is there, and some of it known already in one of its versions."""
    lines = ["continue-on-failure = true"]
    # `valid_requests_are_answered` of ours takes its place.
    lines += ["[checks]", "positive_data_acceptance.enabled = false"]
    # What has been answered differs from run to run; what is sent shall not.
    for phase in ("examples", "coverage", "fuzzing"):
        lines += [f"[phases.{phase}]", "extra-data-sources.responses = false"]
    lines += ["error-feedback.enabled = false"]  # of the last
    lines += ["[dictionaries]", """versions = {values = ['W/"1"', 'W/"2"']}"""]
    lines += [f"{kind} = {{values = {known}}}" for kind, known in ids.items()]
    for kind in ids:
        lines += ["[[operations]]", f'include-path = "/{kind}/{{id}}"', "[operations.parameters]"]
        lines.append(f'"path.id" = {{dictionary = "{kind}", probability = 0.7}}')
        lines.append('"header.If-None-Match" = {dictionary = "versions", probability = 0.3}')
    return "\n".join(lines)


def _came_everywhere(har: Json, address: str, paths: Json) -> set[int]:
    """Each operation was answered, and each search has found something; returns every status."""
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    result = set()
    plain_first = sorted(paths, key=lambda path: path.count("{"))
    patterns = {one: re.compile(re.sub(r"\\{.*?\\}", "[^/]*", re.escape(one))) for one in plain_first}
    for entry in har["log"]["entries"]:
        sent, answer = entry["request"], entry["response"]
        path = sent["url"].partition("?")[0].removeprefix(address)
        place = next((one for one, pattern in patterns.items() if pattern.fullmatch(path)), path)
        seen[place, sent["method"].lower()].add(answer["status"])
        if '"entry":' in answer["content"].get("text", ""):
            result.add(place)
    for path, methods in paths.items():
        for method, operation in methods.items():
            success, *_ = operation["responses"]
            # It may be known already, of another version, or the export before may not be finished.
            other = {304, 429, 404} if "{version}" in path else {304, 429}
            assert seen[path, method] & {int(success), *other}, (path, method)
            assert path in result or "search" not in operation["operationId"], path
    return set().union(*seen.values())
