"""Models that are not ours, and what R4 says of JSON's types, strings, codes and references, which they let pass."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class

from cpar_plugin.settings import Settings
from oscar_host.demo.registry.elements import FoundReference, Issue, walk

# R4, datatypes: no characters below 32 but tab, CR and LF, and something beside whitespace.
_STRING = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*\S[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*")
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}")


def _faults(resource: dict[str, Any]) -> list[str]:
    """Codes of required bindings, days and invariants; and relative references to what may not stand there."""
    kind, result = resource["resourceType"], []
    for one in walk(resource, kind, kind):
        match one:
            case Issue():
                result.append(f"{one.expression}: {one.message}")
            case FoundReference(expression, reference, targets) if not reference.startswith("urn:uuid:"):
                known = _RELATIVE.fullmatch(reference)
                if not known or (targets and known[1] not in targets):
                    result.append(f"{expression}: {reference}")
    return result


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings()


@pytest.fixture(scope="session")
def check_r4() -> Callable[[dict[str, Any]], None]:
    """Fails unless the models give the resource back unchanged, with clean strings and codes."""

    def check(resource: dict[str, Any]) -> None:
        text = orjson.dumps(resource)
        model = get_fhir_model_class(resource["resourceType"])
        assert orjson.loads(model.model_validate_json(text).model_dump_json()) == resource
        assert _faults(resource) == []
        assert [result for result in _strings(resource) if not _STRING.fullmatch(result)] == []

    return check
