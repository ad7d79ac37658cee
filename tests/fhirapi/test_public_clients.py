"""Clients that others have written read a panel, and export it: over HTTP, from a server in a process of its own."""

import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playwright
import pytest
import requests

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from .clients import KeyPair, Registered
from .server import running

Json = dict[str, Any]
Pages = list[list[Json]]  # the resources of each page
Read = Callable[["Clinic", str, dict[str, str]], Pages]
MEDPLUM = Path(__file__).with_name("medplum")
NODE = Path(playwright.__file__).with_name("driver") / "node"
SMART_FETCH = str(Path(sys.executable).with_name("smart-fetch"))
FHIRKIT = Path(__file__).with_name("fhirkit")
MEMBERS, ON_A_PAGE = 60, 25


@dataclass(frozen=True)
class Clinic:
    """A served clinic with two panels, and a client that may read them."""

    host: OscarHost
    fhir: str
    client: Registered
    panel: int
    members: list[str]

    def assertion(self) -> str:
        now = dt.datetime.now(dt.UTC)
        claims = self.client.claims(aud=f"{self.fhir}/token", exp=int(now.timestamp()) + 240)
        return self.client.pair.sign(claims)

    def token(self) -> str:
        answer = requests.post(f"{self.fhir}/token", data=self.client.form(self.assertion()), timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def now(clock: FixedClock) -> Callable[[], None]:
    """Set the host's clock to the server's, which is the real one."""
    return lambda: clock.move_to(dt.datetime.now(dt.UTC))


@pytest.fixture
def clinic(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    now: Callable[[], None],
    make_panel: Callable[..., int],
    registered: Callable[..., Registered],
    environment: dict[str, str],
    tmp_path: Path,
) -> Iterator[Clinic]:
    """Two thirds of the patients are on the panel that is read, the others on another one."""
    now()
    panel, other = make_panel("0042", "101"), make_panel("0043", "102")
    with oscar.at_once():
        theirs = [oscar.patient(provider_no="101", hin=f"{100000000 + number}") for number in range(MEMBERS)]
        for _ in range(MEMBERS // 2):
            oscar.patient(provider_no="102", hin="")
    bulk.carry_out(site, clerk, bulk.Assign("101", "AC", panel))
    bulk.carry_out(site, clerk, bulk.Assign("102", "AC", other))
    with running(environment, tmp_path) as fhir:
        yield Clinic(site, fhir, registered(), panel, [str(patient) for patient in theirs])


def with_fhirpy(clinic: Clinic, kind: str, query: dict[str, str]) -> Pages:
    from fhirpy import SyncFHIRClient

    client = SyncFHIRClient(clinic.fhir, authorization=f"Bearer {clinic.token()}")
    page = client.resources(kind).search(**query).limit(ON_A_PAGE).fetch_raw()
    pages = []
    while page:
        pages.append([entry.resource for entry in page.get("entry", [])])
        following = page.get_by_path(["link", {"relation": "next"}, "url"])
        page = client.execute(following, method="get") if following else None
    return pages


def with_fhirclient(clinic: Clinic, kind: str, query: dict[str, str]) -> Pages:
    """It gets its token by itself, once it knows where, and checks every page against its own models of R4."""
    from fhirclient.models.group import Group
    from fhirclient.models.patient import Patient

    search = {"Group": Group, "Patient": Patient}[kind].where(query | {"_count": str(ON_A_PAGE)})
    pages = search.perform_iter(signed_in_with_fhirclient(clinic))
    return [[entry.resource.as_json() for entry in page.entry or []] for page in pages]


def signed_in_with_fhirclient(clinic: Clinic) -> Any:
    """The server of its client. It would look for the address of tokens in the CapabilityStatement alone."""
    from fhirclient.auth import FHIRAuth
    from fhirclient.client import FHIRClient

    client_id, token_uri = clinic.client.client_id, f"{clinic.fhir}/token"
    smart = FHIRClient(settings={"app_id": client_id, "api_base": clinic.fhir, "scope": "system/*.rs"})
    smart.wants_patient = False
    smart.prepare()
    smart.server.auth = FHIRAuth.create(
        "oauth2", {"app_id": client_id, "token_uri": token_uri, "jwt_token": clinic.assertion()}
    )
    smart.authorize()
    return smart.server


def with_medplum(clinic: Clinic, kind: str, query: dict[str, str]) -> Pages:
    pages: Pages = medplum(clinic, search={"kind": kind, "query": query | {"_count": str(ON_A_PAGE)}})
    return pages


def medplum(clinic: Clinic, **errand: Any) -> Any:
    errand |= {"fhir": clinic.fhir, "token": clinic.token()}
    command = [str(NODE), str(MEDPLUM / "client.mjs"), json.dumps(errand)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def ids(resources: Iterable[Json], kind: str = "Patient") -> list[str]:
    return sorted((one["id"] for one in resources if one["resourceType"] == kind), key=int)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(with_fhirpy, marks=pytest.mark.peer("fhirpy")),
        pytest.param(with_fhirclient, marks=pytest.mark.peer("fhirclient")),
        with_medplum,
    ],
)
def test_a_public_client_reads_exactly_the_members_of_a_panel_page_by_page(clinic: Clinic, read: Read) -> None:
    included = read(clinic, "Group", {"identifier": "0042", "_include": "Group:member"})
    result = read(clinic, "Patient", {"general-practitioner": "101-000113"})
    for pages in (included, result):
        assert len(pages) == -(-MEMBERS // ON_A_PAGE)
        assert ids(resource for page in pages for resource in page) == clinic.members
    [group] = (resource for page in included for resource in page if resource["resourceType"] == "Group")
    assert sorted(one["entity"]["reference"] for one in group["member"]) == sorted(
        f"Patient/{member}" for member in clinic.members
    )


@pytest.mark.databases("in turn")
def test_medplum_exports_a_panel_with_all_that_belongs_to_it(clinic: Clinic) -> None:
    files = medplum(clinic, exported=f"Group/{clinic.panel}")
    lines = {file["type"]: file["lines"] for file in files}
    assert len(lines) == len(files)
    assert ids(lines.pop("Patient")) == clinic.members
    assert {kind: [one["id"] for one in result] for kind, result in lines.items()} == {
        "Group": [str(clinic.panel)],
        "PractitionerRole": ["101-000113"],
        "Practitioner": ["101"],
        "Location": ["000113"],
        "Organization": ["clinic"],
    }
    assert sorted(ids_of_members(lines["Group"][0]), key=int) == clinic.members


def ids_of_members(group: Json) -> list[str]:
    return [one["entity"]["reference"].removeprefix("Patient/") for one in group["member"]]


def smart_fetch(clinic: Clinic, folder: Path, *options: str) -> dict[str, list[Json]]:
    """What SMART Fetch writes, by the file's path without its ending."""
    pair = clinic.client.pair
    key = folder.with_suffix(".jwk")
    key.write_text(json.dumps(pair.private | {"alg": pair.algorithm, "key_ops": ["sign"]}))
    command = [SMART_FETCH, "bulk", str(folder), "--fhir-url", clinic.fhir, "--type", "Patient", "--no-compression"]
    command += ["--smart-client-id", clinic.client.client_id, "--smart-key", str(key), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return {
        str(path.relative_to(folder)).partition(".")[0]: [json.loads(line) for line in path.read_text().splitlines()]
        for path in folder.rglob("*.ndjson")
        if path.name != "log.ndjson"
    }


@pytest.mark.databases("in turn")
@pytest.mark.peer("smart-fetch")
def test_smart_fetch_exports_exactly_the_members_of_a_panel(clinic: Clinic, tmp_path: Path) -> None:
    answer = smart_fetch(clinic, tmp_path / "fetched", "--group", str(clinic.panel))
    assert answer.keys() == {"Patient"}
    assert ids(answer["Patient"]) == clinic.members


@pytest.mark.databases("in turn")
@pytest.mark.peer("smart-fetch")
def test_smart_fetch_learns_who_has_come_and_who_has_left_since_the_last_time(
    clinic: Clinic, clerk: Actor, oscar: Any, now: Callable[[], None], tmp_path: Path
) -> None:
    smart_fetch(clinic, tmp_path / "first", "--group", str(clinic.panel))
    log = (json.loads(line) for line in (tmp_path / "first/log.ndjson").read_text().splitlines())
    [since] = (line["eventDetail"]["transactionTime"] for line in log if line["eventId"] == "status_complete")
    now()
    left, come = clinic.members[0], oscar.patient(hin="")
    one_patient.remove(clinic.host, clerk, int(left), seen_panel_id=clinic.panel)
    one_patient.choose(clinic.host, clerk, come, clinic.panel, seen_panel_id=None)
    options = ("--group", str(clinic.panel), "--since", since, "--since-mode", "updated")
    answer = smart_fetch(clinic, tmp_path / "second", *options)
    assert str(come) in ids(answer["Patient"])
    assert left not in ids(answer["Patient"])
    requests_ = [entry["request"] for bundle in answer["deleted/Bundle"] for entry in bundle["entry"]]
    assert requests_ == [{"method": "DELETE", "url": f"Patient/{left}"}]


@pytest.mark.databases("in turn")
@pytest.mark.peer("smart-fetch")
def test_a_client_of_one_panel_exports_that_panel_alone(
    clinic: Clinic, registered: Callable[..., Registered], tmp_path: Path, ec: KeyPair
) -> None:
    narrow = registered("Narrow", panels=(clinic.panel,), pair=ec)
    answer = smart_fetch(Clinic(clinic.host, clinic.fhir, narrow, clinic.panel, []), tmp_path / "fetched")
    assert ids(answer["Patient"]) == clinic.members


def test_the_client_from_npm_is_the_released_file_and_its_version_and_licence_are_next_to_it() -> None:
    record = (MEDPLUM / "SOURCE.txt").read_text(encoding="utf-8")
    facts = dict(re.findall(r"^(Version|SHA-256): (\S+)$", record, re.MULTILINE))
    script = (MEDPLUM / "core.mjs").read_bytes()
    assert hashlib.sha256(script).hexdigest() == facts["SHA-256"]
    assert facts["Version"].encode() in script
    assert "Apache-2.0" in record


def fhirkit(clinic: Clinic, **errand: Any) -> Json:
    errand |= {"fhir": clinic.fhir, "token": clinic.token()}
    command = [str(NODE), str(FHIRKIT / "client.mjs"), json.dumps(errand)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    answer: Json = json.loads(result.stdout)
    return answer


def searched_with_fhirkit(clinic: Clinic, kind: str, query: dict[str, str]) -> Json:
    return fhirkit(clinic, search={"kind": kind, "query": query})


def searched_with_fhirpy(clinic: Clinic, kind: str, query: dict[str, str]) -> Json:
    from fhirpy import SyncFHIRClient

    client = SyncFHIRClient(clinic.fhir, authorization=f"Bearer {clinic.token()}")
    answer: Json = json.loads(json.dumps(client.execute(kind, method="get", params=query)))
    return answer


def searched_with_fhirclient(clinic: Clinic, kind: str, query: dict[str, str]) -> Json:
    from fhirclient.models.group import Group
    from fhirclient.models.patient import Patient

    pages = {"Group": Group, "Patient": Patient}[kind].where(query).perform_iter(signed_in_with_fhirclient(clinic))
    answer: Json = next(iter(pages)).as_json()
    return answer


@pytest.mark.databases("in turn")
@pytest.mark.parametrize(
    "search",
    [
        pytest.param(searched_with_fhirpy, marks=pytest.mark.peer("fhirpy")),
        pytest.param(searched_with_fhirclient, marks=pytest.mark.peer("fhirclient")),
        searched_with_fhirkit,
    ],
)
def test_a_public_client_follows_references_both_ways_and_reads_the_total(
    clinic: Clinic, search: Callable[[Clinic, str, dict[str, str]], Json]
) -> None:
    [group] = search(clinic, "Group", {"member.identifier": "100000007", "_summary": "true"})["entry"]
    assert group["resource"]["id"] == str(clinic.panel)
    members = search(clinic, "Patient", {"_has:Group:member:identifier": "0042", "_count": "5"})
    assert (members["total"], len(members["entry"])) == (MEMBERS, 5)
    assert search(clinic, "Patient", {"general-practitioner.practitioner": "Practitioner/102"})["total"] == MEMBERS // 2
    ignored = search(clinic, "Patient", {"colour": "red", "_count": "1"})
    assert [entry["search"]["mode"] for entry in ignored["entry"]] == ["match", "outcome"]


def test_fhir_kit_client_sends_a_batch_and_reads_by_version(clinic: Clinic) -> None:
    first = clinic.members[0]
    urls = [
        f"Patient/{first}",
        "Group?member.identifier=100000001&_elements=identifier",
        "Patient?identifier=999999998",
    ]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    answer = fhirkit(clinic, batch={"resourceType": "Bundle", "type": "batch", "entry": entries})
    patient, groups, no_one = (entry["resource"] for entry in answer["entry"])
    assert (patient["id"], groups["total"], no_one["total"]) == (first, 1, 0)
    version = patient["meta"]["versionId"]
    assert fhirkit(clinic, vread={"kind": "Patient", "id": first, "version": version}) == patient


def test_fhir_kit_client_is_the_released_files_and_their_versions_and_licences_are_next_to_them() -> None:
    facts = dict(
        re.findall(r"^(Version|SHA-256): (\S+)$", (FHIRKIT / "SOURCE.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    root, digest = FHIRKIT / "node_modules", hashlib.sha256()
    for file in sorted(one for one in root.rglob("*") if one.is_file()):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    assert digest.hexdigest() == facts["SHA-256"]
    assert json.loads((root / "fhir-kit-client/package.json").read_text())["version"] == facts["Version"]
