"""What can be searched and summarized is what R4 says of each kind."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import insert

from cpar_plugin.fhir_mappings.searchable import SearchType
from cpar_plugin.services.fhir.search import held
from cpar_plugin.services.fhir.search.answers import Answered, Sql, Unanswered, answered, with_id
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.services.fhir.sources import KINDS, LARGE
from cpar_plugin.services.fhir.versions import Versioned
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .receiver import switched_off
from .rest import Reader

ROOT = Path(__file__).parents[2]


def test_each_kind_that_is_served_can_be_searched() -> None:
    assert set(SEARCHABLE) == set(KINDS)


UNANSWERED = Answered("status", SearchType.TOKEN, "http://hl7.org/fhir/SearchParameter/Location-status")


@pytest.mark.parametrize(
    ("kind", "parameter", "lacking"),
    [
        ("Location", UNANSWERED, "value"),
        ("Location", replace(UNANSWERED, sql=Sql(with_id)), "value"),
        ("Patient", replace(UNANSWERED, value=held.active), "sql"),
        ("Group", replace(UNANSWERED, sql=Sql(with_id), sorts=True), "sql.order"),
    ],
)
def test_a_parameter_that_nothing_answers_is_refused_by_name(kind: str, parameter: Answered, lacking: str) -> None:
    with pytest.raises(Unanswered, match=re.escape(f"{kind}?status is announced")) as refused:
        answered(kind, [parameter])
    assert f"give it {lacking}" in str(refused.value)


def test_nothing_starts_while_a_parameter_is_announced_and_not_answered(tmp_path: Path) -> None:
    for folder in ("cpar_plugin", "hooks", "fhir_mappings", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    table = tmp_path / "cpar_plugin/services/fhir/search/table.py"
    content = table.read_text()
    at = "_LOCATION = (\n"
    assert at in content
    table.write_text(content.replace(at, f'{at}    Answered("status", TOKEN, f"{{_R4}}Location-status"),\n'))
    started = subprocess.run(
        [sys.executable, "-c", "import cpar_plugin.plugin"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert started.returncode == 1
    assert started.stderr.splitlines()[-1].endswith(
        "Unanswered: The search parameter Location?status is announced, and nothing answers it: "
        "give it value in services/fhir/search/table.py."
    )


def test_what_a_resource_holds_is_found_by_each_parameter(
    site: OscarHost, reader: Reader, people: dict[str, int]
) -> None:
    """Where a search is answered in memory, by the value that the table takes from a resource."""
    switched_off(site)
    for kind, searchable in SEARCHABLE.items():
        for name, parameter in searchable.parameters.items():
            if kind in LARGE or name.startswith("_"):
                continue
            assert parameter.value
            resources = [entry["resource"] for entry in reader.json(f"/{kind}")["entry"]]
            versions = [
                Versioned(kind, resource["id"], orjson.dumps(resource), 1, datetime.now(UTC)) for resource in resources
            ]
            assert any(list(parameter.value(one)) for one in versions), (kind, name)
            for one in versions:
                for value in parameter.value(one):
                    text = value[1] if isinstance(value, tuple) else value
                    query = {name: re.sub(r"([,|\\\\])", r"\\\1", text)}
                    assert one.resource_id in reader.ids(f"/{kind}", query), (kind, query)


@pytest.mark.parametrize("kind", SEARCHABLE)
def test_a_summary_holds_what_r4_marks_and_nothing_else(kind: str) -> None:
    marked = set(get_fhir_model_class(kind).summary_elements_sequence())
    assert SEARCHABLE[kind].summary <= marked


def test_no_element_that_r4_marks_is_missing_from_a_summary(site: OscarHost, reader: Reader, conflict: str) -> None:
    switched_off(site)
    for kind in SEARCHABLE:
        marked = set(get_fhir_model_class(kind).summary_elements_sequence()) | {"resourceType"}
        for whole, part in zip(
            reader.json(f"/{kind}")["entry"], reader.json(f"/{kind}", {"_summary": "true"})["entry"], strict=True
        ):
            assert set(part["resource"]) == set(whole["resource"]) & marked


def test_a_large_group_arrives_in_pieces(reader: Reader, panel: int, site: OscarHost) -> None:
    more = [{"patient_id": 900000 + at, "panel_id": panel, "since": site.clock.now()} for at in range(4200)]
    with site.database.writing() as connection:
        connection.execute(insert(tables.member), more)
    for path in (f"/fhir/Group/{panel}", "/fhir/Group"):
        answer = reader.app.test_client().get(path, headers={"Authorization": f"Bearer {reader.token}"})
        assert answer.is_streamed
        pieces = list(answer.iter_encoded())
        answer.close()
        assert len(pieces) > 1
        assert orjson.loads(b"".join(pieces))
