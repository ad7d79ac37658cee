"""What nobody can do to the interface: too much, too long, forged, or hostile."""

import logging
from collections.abc import Callable
from string import ascii_lowercase
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpar_plugin.services.fhir.search.request import LONGEST, MOST_PARAMETERS, MOST_VALUES
from oscar_host.host import OscarHost

from ..examples import examples
from .rest import Json, Reader, link

Check = Callable[[Json], None]


def test_a_page_is_never_larger_than_the_setting_allows(
    served: Callable[..., Flask], site: OscarHost, reader: Reader, people: dict[str, int]
) -> None:
    small = Reader(served(site, {"fhir_largest_page": "2", "fhir_page_size": "1"}), reader.token)
    assert len(small.json("/Patient")["entry"]) == 1
    for count in ("3", "1000000"):
        assert len(small.json("/Patient", {"_count": count})["entry"]) == 2
    assert len(small.json("/Group", {"_include": "Group:member", "_count": "9"})["entry"]) == 3


@pytest.mark.parametrize("count", ["-1", "x", "1.5", "", "9" * 30, "²"])
def test_a_count_is_a_number(reader: Reader, people: dict[str, int], count: str) -> None:
    assert reader.get("/Patient", {"_count": count}).status_code == (400 if count else 200)


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"family=a{place}" for place in range(MOST_PARAMETERS + 1)),
        "&".join(["x"] * 5000),
        f"family={'x' * LONGEST}",
        "_id=" + ",".join(["1"] * (MOST_VALUES + 1)),
        f"{'x' * LONGEST}=1",
    ],
)
def test_a_search_is_neither_long_nor_manifold(reader: Reader, people: dict[str, int], query: str) -> None:
    assert reader.get(f"/Patient?{query}").status_code == 400
    assert reader.send("POST", "/Patient/_search", data=query, content_type=FORM).status_code == 400


FORM = "application/x-www-form-urlencoded"
HOSTILE = [
    "family='; DROP TABLE cpar_member; --",
    "family=%00",
    "family=%ff%fe",
    "family=%ed%a0%80",
    "family=%F0%9F%98%80",
    "family=" + "%25" * 400,
    "family=\\",
    "family=\\,",
    "family=,,,",
    "identifier=|",
    "identifier=a|b|c",
    "identifier=%F0%9F%98%80|1",
    "birthdate=2026-13-01",
    "birthdate=0000",
    "birthdate=9999-12-31",
    "birthdate=zz2020",
    "birthdate=ap0001-01-01",
    "birthdate=2020-01-01T25:00Z",
    "_lastUpdated=0001",
    "_lastUpdated=gt9999",
    "_lastUpdated=2020-01-01T00:00:00.123456789%2B14:00",
    "_lastUpdated=2020-01-01T00:00:00%2B99:00",
    "general-practitioner=../../etc/passwd",
    "general-practitioner:Patient=1",
    "organization=%00/%00",
    "_sort=" + ",".join(["family"] * 50),
    "_elements=" + ",".join(["x"] * 500),
    "_summary=everything",
    "_total=many",
    "_cursor=",
    "_cursor=x",
    "=",
    "&&&",
    "%",
    "family:exact:contains=x",
    "family:=x",
]


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_value_is_refused_or_finds_nothing_wrong(reader: Reader, people: dict[str, int], query: str) -> None:
    for answer in (
        reader.get(f"/Patient?{query}"),
        reader.get(f"/Group?{query}"),
        reader.get(f"/Practitioner?{query}"),
        reader.send("POST", "/Patient/_search", data=query, content_type=FORM),
    ):
        assert answer.status_code in (200, 400), answer.text


NAMES = ["family", "given:contains", "birthdate", "identifier", "gender", "_id", "_lastUpdated", "_sort", "_count"]


@given(pairs=st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=30)), max_size=4))
@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(reader: Reader, people: dict[str, int], pairs: list[tuple[str, str]]) -> None:
    sent = [(name, value.encode("utf-8", "replace").decode()) for name, value in pairs]
    assert reader.send("POST", "/Patient/_search", data=dict(sent)).status_code in (200, 400)


def test_a_forged_cursor_is_refused(reader: Reader, people: dict[str, int]) -> None:
    following = link(reader.json("/Patient", {"_count": 1}), "next")
    assert following
    [cursor] = parse_qs(urlsplit(following).query)["_cursor"]
    middle = len(cursor) // 2
    changed = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for forged in (changed, cursor[:-4], cursor * 2, "x" * 5, "é", "gAAAAA==", "A" * 100_000):
        answer = reader.send("GET", "/Patient", query_string={"_cursor": forged})
        assert answer.status_code == 400, forged[:20]
    assert reader.get("/Group", {"_cursor": cursor}).status_code == 400  # it is of another search


def test_a_cursor_opens_nothing_that_its_sender_may_not_read(
    reader: Reader, reader_for: Callable[..., Reader], make_panel: Callable[..., int], people: dict[str, int]
) -> None:
    following = link(reader.json("/Patient", {"_count": 1}), "next")
    limited = reader_for(panels=(make_panel("0077", "103"),))
    assert limited.ids(following or "") == []


def test_addresses_of_next_pages_hold_nothing_that_can_be_read(reader: Reader, people: dict[str, int]) -> None:
    answer = reader.send("POST", "/Patient/_search", data={"family": "trem", "_sort": "birthdate", "_count": "1"}).json
    assert answer is not None
    following = link(answer, "next") or ""
    assert set(parse_qs(urlsplit(following).query)) == {"_cursor"}
    for word in ("trem", "Trem", "1980", "birthdate"):
        assert word not in following
    assert len(following) < 4000  # what servers take as an address


def test_the_longest_search_has_a_next_page_whose_address_servers_take(reader: Reader, people: dict[str, int]) -> None:
    ids = ",".join(str(key) for key in people.values())
    noise = "".join(chr(97 + (place * 7919) % 26) for place in range(LONGEST - 100 - len(ids)))
    query = {"_id": ids, "_count": "1", "given": f"h,o,{noise}"}
    answer = reader.send("POST", "/Patient/_search", data=query)
    following = link(answer.json or {}, "next") or ""
    assert 0 < len(following) < 4000
    assert reader.json(following)["entry"]


def test_the_last_page_is_as_cheap_as_the_first(reader: Reader, people: dict[str, int], statements: list[str]) -> None:
    assert len(list(reader.pages("/Patient", {"_count": 1}))) == len(people)  # every version, and each page's patients
    taken = []
    statements.clear()
    for _ in reader.pages("/Patient", {"_count": 1, "_sort": "family"}):
        taken.append(len(statements))
        statements.clear()
    assert len(taken) == len(people)
    assert taken[0] <= 6  # two of these record the read, and one counts all that fit
    assert set(taken[1:]) == {taken[0]}  # whether it began before a backup was restored, instead of the count
    statements.clear()
    reader.json("/Patient", {"_count": 1, "_sort": "family", "family": ",".join(ascii_lowercase)})
    assert len(statements) == taken[0] - 1  # nothing is counted that no one asked for


def test_what_was_searched_for_is_in_no_log(
    reader: Reader, people: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reader.get("/Patient", {"identifier": "100000001", "family": "Tremblay"})
        reader.get("/Patient", {"birthdate": "1980-02-30", "family": "Tremblay"})
        reader.get("/Patient", {"_cursor": "Tremblay"})
    for word in ("100000001", "Tremblay", "1980-02"):
        assert word not in caplog.text
