"""What can be searched and summarized is what R4 says of each kind."""

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class

from cpar_plugin.fhir_mappings.searchable import SEARCHABLE
from cpar_plugin.services.fhir.sources import KINDS

from .rest import Reader


def test_each_kind_that_is_served_can_be_searched() -> None:
    assert set(SEARCHABLE) == set(KINDS)


@pytest.mark.parametrize("kind", SEARCHABLE)
def test_a_summary_holds_what_r4_marks_and_nothing_else(kind: str) -> None:
    marked = set(get_fhir_model_class(kind).summary_elements_sequence())
    assert SEARCHABLE[kind].summary <= marked


def test_no_element_that_r4_marks_is_missing_from_a_summary(reader: Reader, panel: int, people: dict[str, int]) -> None:
    for kind in SEARCHABLE:
        marked = set(get_fhir_model_class(kind).summary_elements_sequence()) | {"resourceType"}
        for whole, part in zip(
            reader.json(f"/{kind}")["entry"], reader.json(f"/{kind}", {"_summary": "true"})["entry"], strict=True
        ):
            assert set(part["resource"]) == set(whole["resource"]) & marked


def test_a_large_group_arrives_in_pieces(reader: Reader, panel: int, people: dict[str, int]) -> None:
    for path in (f"/fhir/Group/{panel}", "/fhir/Group"):
        answer = reader.app.test_client().get(path, headers={"Authorization": f"Bearer {reader.token}"})
        assert answer.is_streamed
        pieces = list(answer.iter_encoded())
        answer.close()
        assert len(pieces) > 1
        assert orjson.loads(b"".join(pieces))
