import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from cpar_plugin.fhir_mappings.bundle import bundle, entry, urns

Check = Callable[[dict[str, Any]], None]
KINDS = st.sampled_from(["Patient", "Practitioner", "PractitionerRole", "Location", "Group"])
IDS = st.integers(0, 2**63).map(str) | st.from_regex(r"[A-Za-z0-9.-]{1,64}", fullmatch=True)


def organization(system: str, value: str) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": "clinic", "identifier": [{"system": system, "value": value}]}


@given(st.lists(st.tuples(KINDS, IDS), unique=True, max_size=50))
@example([("Practitioner", "17"), ("Practitioner", "017"), ("Patient", "17"), ("Practitioner", "0")])
def test_different_resources_never_share_a_urn(resources: list[tuple[str, str]]) -> None:
    refer = urns("site")
    results = [refer(f"{kind}/{key}") for kind, key in resources]
    assert len(set(results)) == len(resources)


@given(KINDS, IDS)
def test_a_reference_is_a_uuid_and_the_same_in_every_submission_of_a_site(kind: str, key: str) -> None:
    reference = urns("site")(f"{kind}/{key}")
    prefix, _, text = reference.rpartition(":")
    assert prefix == "urn:uuid"
    assert str(uuid.UUID(text)) == text
    assert uuid.UUID(text).variant == uuid.RFC_4122
    assert urns("site")(f"{kind}/{key}") == reference
    assert urns("other site")(f"{kind}/{key}") != reference


@given(
    st.sampled_from(["https://example.org/a?b=1&c=2", "urn:oid:1.2.3"]),
    st.text(alphabet=st.sampled_from("|,$\\%&= +") | st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
)
def test_an_entry_is_found_by_its_identifier_whatever_is_in_it(system: str, value: str) -> None:
    request = entry(organization(system, value), urns("site"))["request"]
    assert request["method"] == "PUT"
    address = urlsplit(request["url"])
    assert address.path == "Organization"
    (token,) = parse_qs(address.query, strict_parsing=True)["identifier"]
    # FHIR's separators are escaped with a backslash; the one between system and value is not.
    pieces = re.findall(r"\\.|[^\\]", token, flags=re.DOTALL)
    assert pieces.count("|") == 1
    assert {",", "$"}.isdisjoint(pieces)
    assert "".join(piece[-1] for piece in pieces) == f"{system}|{value}"


def test_an_entry_leaves_the_clinics_own_id_at_home() -> None:
    result = entry(organization("urn:a", "1"), urns("site"))
    assert "id" not in result["resource"]
    assert result["fullUrl"] == urns("site")("Organization/clinic")


def test_a_bundle_is_valid_and_known_by_its_snapshot(check_r4: Check) -> None:
    snapshot_id = str(uuid.uuid4())
    result = bundle(snapshot_id, datetime(2026, 11, 10, 17, 0, tzinfo=UTC))
    check_r4(result | {"entry": [entry(organization("urn:a", "1"), urns("site"))]})
    assert result["identifier"] == {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{snapshot_id}"}
    assert (result["type"], result["timestamp"]) == ("transaction", "2026-11-10T17:00:00Z")
