"""Two implementations of SQL on FHIR that others have written make the same tables of an export.

They and what they need do not go together with other packages of the tests: they have a folder of their own.
"""

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from cpar_plugin.fhir_mappings.views import view_definitions
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from .exporting import export
from .rest import Json, Reader

pytestmark = [pytest.mark.large, pytest.mark.databases("one")]

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).with_name("views")
PAGE = ROOT / "docs/reference/fhir-resources.md"
KEYS = {"panel_id", "patient_id", "provider_id", "role_id", "facility_id"}
Tables = dict[str, list[Json]]


@pytest.fixture(scope="module")
def packages() -> Path:
    """The folder of the extra `tables`, installed once."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    names = setup["options.extras_require"]["tables"].split()
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    result = Path(sys.prefix) / f"tables-{digest}"
    if not result.exists():
        partial = result.with_name(f"{result.name}-{os.getpid()}")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(partial), *names], check=True)
        with suppress(OSError):  # another process of the tests was first
            partial.rename(result)
        shutil.rmtree(partial, ignore_errors=True)
    return result


@pytest.fixture
def exported(
    reader: Reader,
    people: dict[str, int],
    panel: int,
    make_panel: Callable[..., int],
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
) -> dict[str, list[Json]]:
    """All lines of an export of two panels, by kind, and a panel with all that a Group can have."""
    other = make_panel("0099", "103")
    dead = oscar.patient(last_name="Elsewhere", patient_status="DE")
    one_patient.choose(site, clerk, dead, other, seen_panel_id=None)
    one_patient.confirm(site, clerk, people["oscar"], seen_panel_id=panel)
    result = {name.removesuffix(".ndjson"): lines for name, lines in export(reader).files.items()}
    with_rates = example_of_a_group()
    with_rates["id"] = "77"
    with_rates["extension"].append({"url": f"{Settings().uri_definitions}/panel-state", "valueCode": "ended"})
    result["Group"].append(with_rates)
    return result


def example_of_a_group() -> Json:
    page = PAGE.read_text(encoding="utf-8")
    text = re.search(r"^`GET /fhir/Group/\d+`\n\n```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert text
    result: Json = json.loads(text[1])
    return result


def ran(program: str, packages: Path, *arguments: Path) -> Tables:
    """What one of the programs prints, with the ids of resources as keys: some implementations give `Patient/7`."""
    result = subprocess.run(
        [sys.executable, str(PROGRAMS / program), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return {
        name: [{column: as_key(value) if column in KEYS else value for column, value in row.items()} for row in rows]
        for name, rows in json.loads(result.stdout).items()
    }


@pytest.fixture
def folder(exported: dict[str, list[Json]], tmp_path: Path) -> Path:
    """The files of the export, as a client has them."""
    for kind, lines in exported.items():
        (tmp_path / f"{kind}.ndjson").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return tmp_path


def as_key(value: str | None) -> str | None:
    return value.rpartition("/")[2] if value else value


def expected(exported: dict[str, list[Json]]) -> Tables:
    """The tables as the resources have them."""
    groups = exported["Group"]
    return {
        "panels": [
            {
                "panel_id": one["id"],
                "number": one["identifier"][0]["value"],
                "name": one["name"],
                "submitted": one["active"],
                "state": extension(one, "panel-state"),
                "member_count": one["quantity"],
                "rates_month": rate(one, "month"),
                "rates_members": rate(one, "members"),
                "rates_confirmed": rate(one, "confirmed"),
                "rates_within_months": rate(one, "withinMonths"),
            }
            for one in groups
        ],
        "members": [
            {
                "panel_id": one["id"],
                "patient_id": as_key(member["entity"]["reference"]),
                "since": member["period"]["start"],
                "confirmed_on": extension(member, "confirmation-date"),
                "confirmed_how": extension(member, "confirmation-how"),
                "last_visit_on": extension(member, "last-visit-date"),
            }
            for one in groups
            for member in one["member"]
        ],
        "panel_roles": [
            {"panel_id": one["id"], "role_id": as_key(each["valueReference"]["reference"])}
            for one in groups
            for each in one["characteristic"]
        ],
        "roles": [
            {
                "role_id": one["id"],
                "provider_id": as_key(one["practitioner"]["reference"]),
                "facility_id": as_key(one["location"][0]["reference"]),
            }
            for one in exported["PractitionerRole"]
        ],
        "providers": [
            {
                "provider_id": one["id"],
                "practitioner_id": identifier(one, "/practitioner-id"),
                "licence": identifier(one, "ca-ab-license-physician"),
                "family": one["name"][0]["family"],
                "given": one["name"][0]["given"][0],
                "active": one["active"],
            }
            for one in exported["Practitioner"]
        ],
        "patients": [
            {
                "patient_id": one["id"],
                "record_number": identifier(one, "/patient-record"),
                "health_number": identifier(one, "ca-ab-patient-healthcare-id"),
                "health_number_system": (
                    one["identifier"][0]["system"] if identifier(one, "ca-ab-patient-healthcare-id") else None
                ),
                "family": one["name"][0].get("family"),
                "given": one["name"][0].get("given", [None])[0],
                "birth_date": one.get("birthDate"),
                "gender": one["gender"],
                "active": one["active"],
                "deceased": one.get("deceasedBoolean"),
            }
            for one in exported["Patient"]
        ],
    }


def extension(holder: Json, name: str) -> Any:
    found = [one for one in holder.get("extension", ()) if one["url"].rpartition("/")[2] == name]
    return next((value for one in found for key, value in one.items() if key != "url"), None)


def rate(group: Json, name: str) -> Any:
    return extension({"extension": extension(group, "confirmation-rates") or []}, name)


def identifier(resource: Json, ending: str) -> str | None:
    return next((str(one["value"]) for one in resource["identifier"] if one["system"].endswith(ending)), None)


def in_order(rows: list[Json]) -> list[Json]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


@pytest.mark.parametrize("program", ["sqlonfhir_tables.py", "fhir4ds_tables.py"])
def test_the_tables_of_an_export_have_what_its_resources_have(
    program: str, packages: Path, exported: dict[str, list[Json]], folder: Path
) -> None:
    views = folder / "views.json"
    views.write_bytes(orjson.dumps(view_definitions(Settings())))
    result = ran(program, packages, views, folder)
    right = expected(exported)
    assert list(result) == list(right)
    for name, rows in right.items():
        assert rows
        assert in_order(result[name]) == in_order(rows), name


def test_duckdb_loads_the_files_of_an_export_as_they_are(
    packages: Path, exported: dict[str, list[Json]], folder: Path
) -> None:
    result = ran("nested_tables.py", packages, folder)
    for name, rows in result.items():
        columns = rows[0].keys()
        right = [{column: str(row[column]) for column in columns} for row in expected(exported)[name]]
        assert in_order(rows) == in_order(right), name
