"""The table of what the interface supports is true: each request that it names is answered with the status it names."""

import re
from pathlib import Path

import pytest

from .rest import Reader

PAGE = Path(__file__).parents[2] / "docs/reference/fhir-interface.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("\n## What is and is not supported\n")[2].partition("\n## ")[0]
REQUESTS = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) /fhir(/[^`]*)` \((\d{3})\)", SECTION)


@pytest.mark.parametrize(("method", "address", "status"), REQUESTS)
def test_a_request_of_the_table_is_answered_as_it_says(
    method: str, address: str, status: str, reader: Reader, people: dict[str, int], panel: int
) -> None:
    place, _, query = address.replace("Patient/15", f"Patient/{people['helene']}").partition("?")
    place = place.replace("Group/1", f"Group/{panel}")
    headers = {} if method == "GET" else {"Content-Type": "application/fhir+json"}
    answer = reader.send(
        method, place, query_string=query, headers=headers, data=None if method in ("GET", "DELETE") else b"{}"
    )
    assert answer.status_code == int(status), answer.text
    if answer.status_code != 200:
        assert answer.json["resourceType"] == "OperationOutcome"
    elif answer.json["resourceType"] == "Bundle":
        modes = {entry["search"]["mode"] for entry in answer.json.get("entry", ())}
        assert "outcome" not in modes  # everything asked was answered


def test_the_table_names_requests_of_both_kinds() -> None:
    assert len(REQUESTS) > 20
    assert {status for _, _, status in REQUESTS} >= {"200", "400", "404", "405", "406", "501"}
