"""A system that reads through the FHIR interface, and a small clinic with something to read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import one_patient
from cpar_plugin.store.tables import report_line
from oscar_host.host import OscarHost

from ..panels.test_registry_reports import receive
from .clients import Registered

MANAGER, RECEPTION = "301", "201"
BASE = "http://localhost/fhir"
Json = dict[str, Any]
PEOPLE: dict[str, Json] = {
    "helene": {"last_name": "Tremblay", "first_name": "Hélène", "born": "1980-02-29", "sex": "F", "hin": "100000001"},
    "oscar": {"last_name": "Öberg", "first_name": "Oscar", "born": "1975-11-30", "sex": "M", "hin": "100000002"},
    "trudy": {"last_name": "Trembley", "first_name": "Trudy", "born": "2020-06-01", "sex": "X", "hin": "100000003"},
    "nobody": {"last_name": "O'Neil, Jr", "first_name": "", "born": "1999-02-31", "sex": "", "hin": ""},
    "inactive": {"last_name": "Zed", "first_name": "Amy", "born": "1950-01-01", "sex": "F", "patient_status": "IN"},
}


@dataclass
class Reader:
    """Sends requests with one token."""

    app: Flask
    token: str | None

    def send(self, method: str, path: str, **rest: Any) -> TestResponse:
        headers = dict(rest.pop("headers", {}))
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        path = path.removeprefix(BASE)
        answer = self.app.test_client().open(f"/fhir{path}", method=method, headers=headers, **rest)
        answer.get_data()
        answer.close()  # as a server does
        return answer

    def get(self, path: str, query: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("GET", path, query_string=query, headers=named)

    def json(self, path: str, query: Any = None, **headers: str) -> Json:
        answer = self.get(path, query, **headers)
        assert answer.status_code == 200, answer.text
        result: Json = orjson.loads(answer.data)
        return result

    def pages(self, path: str, query: Any = None, most: int = 100) -> Iterator[Json]:
        """Every page of a search."""
        bundle = self.json(path, query)
        for _ in range(most):
            yield bundle
            following = link(bundle, "next")
            if following is None:
                return
            bundle = self.json(following)
        raise AssertionError("the pages do not end")

    def ids(self, path: str, query: Any = None, mode: str = "match") -> list[str]:
        """The ids of everything found, page after page."""
        return [
            entry["resource"]["id"]
            for bundle in self.pages(path, query)
            for entry in bundle.get("entry", ())
            if entry["search"]["mode"] == mode
        ]


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


@pytest.fixture
def reader(app: Flask, token: str) -> Reader:
    """A client that may read everything."""
    return Reader(app, token)


@pytest.fixture
def panel(make_panel: Callable[..., int]) -> int:
    """The panel 0042 of the doctors 101 and 102."""
    return make_panel("0042", "101", "102")


@pytest.fixture
def people(site: OscarHost, oscar: Any, clerk: Actor, panel: int) -> dict[str, int]:
    """The ids of PEOPLE, all on the panel."""
    ids = {}
    for name, columns in PEOPLE.items():
        ids[name] = oscar.patient(**columns)
        one_patient.choose(site, clerk, ids[name], panel, seen_panel_id=None)
    return ids


@pytest.fixture
def conflict(site: OscarHost, clerk: Actor, people: dict[str, int]) -> str:
    """The id of the Task of a conflict about `oscar`."""
    receive(site, clerk, (PEOPLE["oscar"]["hin"], "", "", "", "Dr. Else"))
    with site.database.engine.connect() as connection:
        return str(connection.scalar(select(report_line.c.line_id)))


@pytest.fixture
def reader_for(registered: Callable[..., Registered]) -> Callable[..., Reader]:
    """A client with other scopes or panels."""

    def make(name: str = "Other", **rest: Any) -> Reader:
        client = registered(name, **rest)
        return Reader(client.app, client.token(rest.get("scopes", "system/*.rs")))

    return make


@pytest.fixture
def staff(oscar: Any) -> None:
    """A manager of panels, a receptionist."""
    with oscar.at_once():
        oscar.provider(MANAGER, last_name="Penner")
        oscar.provider(RECEPTION, last_name="Santos")
        oscar.role(MANAGER, "CPAR Admin", "receptionist")
        oscar.role(RECEPTION, "receptionist")
        oscar.privilege("CPAR Admin", "_admin.cpar", "x")
        oscar.privilege("receptionist", "_demographic", "x")
