"""Two validators that are not ours, and rows as a database can hold them."""

from collections.abc import Callable
from typing import Any

import fhirkit
import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class

from cpar_plugin.settings import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings()


@pytest.fixture(scope="session")
def check_r4() -> Callable[[dict[str, Any]], None]:
    """Fails unless both validators accept the resource, and the models give it back unchanged."""

    def check(resource: dict[str, Any]) -> None:
        text = orjson.dumps(resource)
        assert [str(issue) for issue in fhirkit.validate(text)] == []
        model = get_fhir_model_class(resource["resourceType"])
        assert orjson.loads(model.model_validate_json(text).model_dump_json()) == resource

    return check
