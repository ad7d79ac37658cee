"""Java programs that look at the product: `make conformance` gets their libraries and runs them, nothing else does."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cpar_plugin.commands import cpar

from ..fhirapi.clients import rsa  # noqa: F401  for pytest
from ..fhirapi.definitions_of_others import definitions_of_others

Json = dict[str, Any]
Ask = Callable[[str, Json], Json]
HERE = Path(__file__).parent
CLASSPATH = Path(__file__).parents[2] / ".venv/java-classpath"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.java)


def java(program: str, *arguments: object) -> list[str]:
    """The command that runs a program of this folder."""
    assert CLASSPATH.exists(), "The libraries are missing: run `make conformance`, or `sh scripts/java.sh` once."
    classpath = CLASSPATH.read_text().strip()
    return ["java", "-Xmx2g", "-cp", classpath, str(HERE / program), *map(str, arguments)]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `cpar fhir-package` writes."""
    result = CliRunner().invoke(cpar, ["fhir-package", "--out", str(tmp_path_factory.mktemp("package"))])
    assert result.exit_code == 0, result.output
    return Path(result.output.strip())


@pytest.fixture(scope="session")
def hl7_validator(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """HL7's validator with our package and small definitions of others: asked by a word and a resource."""
    folder = tmp_path_factory.mktemp("validator")
    entries = [{"resource": one} for one in definitions_of_others()]
    others = folder / "others.json"
    others.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    log = folder / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            java("Validate.java", package, others), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdin
        assert process.stdout

        def ask(word: str, resource: Json) -> Json:
            process.stdin.write(f"{word}\t{json.dumps(resource)}\n".encode())
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, log.read_text()
            answer: Json = json.loads(line)
            return answer

        yield ask
        process.stdin.close()
        process.wait(60)
