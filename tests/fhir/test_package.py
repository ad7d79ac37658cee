"""The package of our definitions, as whoever publishes them makes it."""

import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from cpar_plugin.commands import cpar
from cpar_plugin.fhir_mappings.guide import element
from cpar_plugin.services.fhir.search.table import SEARCHABLE

Json = dict[str, Any]
PAGE = Path(__file__).parents[2] / "docs/reference/fhir-package.md"


def made(folder: Path, *options: str) -> tuple[str, dict[str, Json]]:
    result = CliRunner().invoke(cpar, ["fhir-package", "--out", str(folder), *options])
    assert result.exit_code == 0, result.output
    path = Path(result.output.strip())
    files = {}
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file
            files[member.name.removeprefix("package/")] = orjson.loads(file.read())
    return path.name, files


def test_the_package_has_every_definition_and_names_what_it_depends_on(tmp_path: Path) -> None:
    name, files = made(tmp_path)
    manifest, index = files.pop("package.json"), files.pop(".index.json")
    assert name == "invalid.cpar.panels-1.0.0.tgz"
    assert manifest["dependencies"] == {
        "hl7.fhir.r4.core": "4.0.1",
        "hl7.fhir.us.davinci-atr": "2.1.0",
        "hl7.fhir.ca.baseline": "1.1.1",
    }
    examples = [files.pop(name) for name in list(files) if name.startswith("example/")]
    assert [one["filename"] for one in examples[0]["files"]] == [f"{_name(one)}.json" for one in examples[1:]]
    views = {name: files.pop(name) for name in list(files) if name.startswith("views/")}
    assert [one["filename"] for one in index["files"]] == list(files)
    assert {one["name"] for one in views.values()} >= {"panels", "members", "providers", "patients"}
    for one in index["files"]:
        resource = files[one.pop("filename")]
        assert one.items() <= resource.items()
    listed = files["ImplementationGuide-invalid.cpar.panels.json"]["definition"]["resource"]
    assert {one["reference"]["reference"].replace("/", "-") + ".json" for one in listed} < files.keys()
    assert all("snapshot" in one for one in files.values() if one["resourceType"] == "StructureDefinition")


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}-{resource['id']}"


def test_the_package_has_a_valid_example_of_each_kind(tmp_path: Path, check_r4: Callable[[Json], None]) -> None:
    _, files = made(tmp_path)
    examples = {one["resourceType"]: one for name, one in files.items() if re.match(r"example/\w", name)}
    assert examples.keys() == {*SEARCHABLE, "Bundle"}
    for one in examples.values():
        check_r4(one)
    assert [entry["resource"]["resourceType"] for entry in examples["Bundle"]["entry"]].count("Patient") == 1


def test_the_page_of_the_package_lists_all_of_its_files(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    _, files = made(tmp_path)
    described = (
        f"| `{name}` | {'An example.' if name.startswith('example/') else element(one, 'description')} |"
        for name, one in files.items()
        if "resourceType" in one
    )
    listed = "\n".join(["| file | what it is |", "|---|---|", *described]) + "\n"
    content = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--examples"):
        content = re.sub(r"^\| file \|.*\n(\|.*\n)*", lambda _: listed, content, flags=re.MULTILINE)
        PAGE.write_text(content, encoding="utf-8")
    assert listed in content


def test_names_and_addresses_are_those_of_whoever_publishes_it(tmp_path: Path) -> None:
    name, files = made(
        tmp_path,
        *("--set", "fhir_package_id=ca.example.panels", "--set", "fhir_package_version=2.1.0"),
        *("--set", "fhir_publisher=Example", "--set", "uri_guides=https://example.ca/fhir/ImplementationGuide"),
        *("--set", "uri_definitions=https://example.ca/fhir/StructureDefinition"),
        *("--set", "uri_views=https://example.ca/fhir/ViewDefinition"),
    )
    assert name == "ca.example.panels-2.1.0.tgz"
    assert (files["package.json"]["canonical"], files["package.json"]["author"]) == (
        "https://example.ca/fhir",
        "Example",
    )
    profile = files["StructureDefinition-cpar-panel.json"]
    assert (profile["url"], profile["version"], profile["publisher"]) == (
        "https://example.ca/fhir/StructureDefinition/cpar-panel",
        "2.1.0",
        "Example",
    )
    members = files["views/members.json"]
    assert (members["url"], members["version"]) == ("https://example.ca/fhir/ViewDefinition/members", "2.1.0")
    assert "https://example.ca/fhir/StructureDefinition/confirmation-date" in str(members["select"])


def test_what_is_no_setting_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cpar, ["fhir-package", "--out", str(tmp_path), "--set", "fhir_package_id"])
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    result = CliRunner().invoke(cpar, ["fhir-package", "--out", str(tmp_path), "--set", "fhir_package_id=A B"])
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
