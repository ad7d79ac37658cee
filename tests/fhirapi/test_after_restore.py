"""A backup, changes, a restore: no system is told that it holds what is there when it does not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import update

from cpar_plugin.commands import cpar
from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.refusals import Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from oscar_host.host import OscarHost

from ..backup import Backup, backup  # noqa: F401
from .clients import Registered
from .exporting import accepted, export, finished, kick_off
from .rest import Reader, link

KINDS = ("Patient", "Group", "Practitioner", "PractitionerRole", "Location", "Organization")


@dataclass
class Changing:
    """A clinic in which something happens an hour after the other."""

    site: OscarHost
    oscar: Any
    clerk: Actor
    clock: FixedClock
    panel: int
    people: dict[str, int]

    def wait(self) -> None:
        self.clock.move_to(self.clock.now() + timedelta(hours=1, seconds=1))

    def emr(self, table: Any, which: Any, **values: Any) -> None:
        self.wait()
        with self.oscar.database.writing() as connection:
            connection.execute(update(table).where(which).values(values))

    def version(self) -> int:
        with self.site.database.engine.connect() as connection:
            return editing.get(connection, self.site, self.panel).version

    def edit(self, number: str) -> None:
        self.wait()
        editing.edit(
            self.site, self.clerk, self.panel, self.version(), panel_draft(number, ["113"], [("101", "100000001")])
        )

    def all_kinds(self, mark: str) -> None:
        """Something of every kind of resource."""
        patient, provider = self.oscar.tables.demographic, self.oscar.tables.provider
        self.emr(patient, patient.c.demographic_no == self.people["helene"], last_name=f"Lark{mark}")
        self.emr(provider, provider.c.provider_no == "101", last_name=f"Heron{mark}")
        self.edit(f"00{mark}")
        self.wait()
        with self.site.database.engine.connect() as connection:
            version = clinic.load(connection).version
        clinic.save(self.site, self.clerk, name=f"Clinic {mark}", site_id=f"S-{mark}", version=version)

    def somebody_else(self, name: str) -> None:
        self.wait()
        new = self.oscar.patient(last_name=name)
        one_patient.choose(self.site, self.clerk, new, self.panel, seen_panel_id=None)


@pytest.fixture
def changing(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, panel: int, people: dict[str, int]
) -> Changing:
    return Changing(site, oscar, clerk, clock, panel, people)


@pytest.fixture
def call(environment: dict[str, str], clock: FixedClock) -> Callable[..., Result]:
    """The command, at the time of the test."""

    def called(*arguments: str) -> Result:
        now = {"CPAR_NOW": f"{clock.now().astimezone(clock.zone):%Y-%m-%dT%H:%M:%S}"}
        return CliRunner().invoke(cpar, arguments, env=environment | now)

    return called


@dataclass(frozen=True)
class Held:
    """What a system keeps of a resource: its text, and what it sends to ask whether it is still that."""

    text: str
    etag: str
    modified: str


def held(reader: Reader) -> dict[str, Held]:
    """Everything that there is, as a system that follows us keeps it."""
    results = {}
    for kind in KINDS:
        for key in reader.ids(f"/{kind}"):
            answer = reader.get(f"/{kind}/{key}")
            results[f"/{kind}/{key}"] = Held(answer.text, answer.headers["ETag"], answer.headers["Last-Modified"])
    return results


def wrongly_unchanged(reader: Reader, *kept: dict[str, Held], by_date: bool = True) -> list[str]:
    """The resources of which somebody who holds another text is told that it is still the same."""
    wrong = []
    for path, one in (item for some in kept for item in some.items()):
        now = reader.get(path)
        assert now.status_code in (200, 404, 410)
        if now.text != one.text:
            asked = [reader.get(path, If_None_Match=one.etag)]
            asked += [reader.get(path, If_Modified_Since=one.modified)] if by_date else []
            wrong += [path for answer in asked if answer.status_code == 304]
    return wrong


def test_after_a_restore_no_answer_says_that_a_client_holds_what_it_does_not(
    changing: Changing,
    reader: Reader,
    registered: Callable[..., Registered],
    served: Callable[..., Flask],
    backup: Backup,  # noqa: F811
    call: Callable[..., Result],
) -> None:
    network = Registered("client-1", registered("Revoked later").pair, reader.app, changing.site)
    before = held(reader)
    assert {path.split("/")[1] for path in before} == set(KINDS)
    version_in_a_form = changing.version()
    backup.make()
    for mark in ("51", "52"):
        changing.all_kinds(mark)
    version_in_a_later_form = changing.version()
    changing.somebody_else("Wren")
    reader = Reader(reader.app, network.token())
    later = held(reader)
    changed = {path for path, one in before.items() if path in later and later[path].etag != one.etag}
    assert {path.split("/")[1] for path in changed} >= {*KINDS} - {"PractitionerRole"}  # which is references alone
    exported = finished(reader, accepted(kick_off(reader))).json
    assert exported
    cursor = link(reader.json("/Patient", {"_count": "1"}), "next")
    assert cursor
    changing.wait()
    registry.revoke(changing.site, changing.clerk, "client-2")

    backup.restore()
    changing.wait()
    refused = call("after-restore")
    assert refused.exit_code == 1
    assert "Nothing was changed." in refused.output
    for response in ("client-1  Network", "client-2  Revoked later"):
        assert response in refused.output
    reader = Reader(reader.app, network.token())
    assert reader.get("/Patient").status_code == 200
    result = call("after-restore", "--clients", "hold", "--submissions", "hold")
    assert result.exit_code == 0, result.output
    assert reader.get("/Patient").status_code == 401
    assert "On hold: client-2 (Revoked later)" in result.output
    assert "client-1  Network  ON HOLD" in call("client", "list").output
    assert "on hold" in network.ask().text
    assert call("client", "allow", "client-1").output == "client-1 (Network) can read again.\n"

    changing.wait()
    app, before_it = served(changing.site), reader.app  # the service is started
    app.secret_key = before_it.secret_key
    reader = Reader(app, Registered("client-1", network.pair, app, changing.site).token())
    revoked = Registered("client-2", network.pair, app, changing.site)
    assert revoked.ask().status_code in (400, 401)
    again = held(reader)
    assert all(
        one.etag not in (kept[path].etag for kept in (before, later) if path in kept) for path, one in again.items()
    )
    assert wrongly_unchanged(reader, before, later) == []
    for path, one in again.items():
        assert reader.get(path, If_None_Match=one.etag).status_code == 304
        assert reader.get(path, If_Modified_Since=one.modified).status_code == 304
    # A system that asks for what has changed gets all of it.
    for kind in KINDS:
        assert reader.ids(f"/{kind}", {"_lastUpdated": f"ge{exported['transactionTime']}"}) == reader.ids(f"/{kind}")
    for form in (version_in_a_form, version_in_a_later_form):
        with pytest.raises(Stale):
            editing.edit(
                changing.site,
                changing.clerk,
                changing.panel,
                form,
                panel_draft("0066", ["113"], [("101", "100000001")]),
            )
    assert "restored a backup" in reader.get(cursor).text
    response = kick_off(reader, query={"_since": exported["transactionTime"]})
    assert response.status_code == 400
    assert "export without _since" in response.text
    changing.clock.move_to(changing.clock.now() + timedelta(seconds=2))
    whole = export(reader)
    export(reader, query={"_since": whole.manifest["transactionTime"]})

    changing.all_kinds("52")  # the same that was taken back
    app = served(changing.site)
    reader = Reader(app, Registered("client-1", network.pair, app, changing.site).token())
    assert wrongly_unchanged(reader, before, later, again) == []


@pytest.mark.databases("in turn")
def test_no_version_is_given_twice_even_when_no_one_sees_to_the_restore(
    changing: Changing,
    reader: Reader,
    registered: Callable[..., Registered],
    served: Callable[..., Flask],
    backup: Backup,  # noqa: F811
) -> None:
    network = Registered("client-1", registered("Other").pair, reader.app, changing.site)
    before = held(reader)
    backup.make()
    changing.all_kinds("51")
    kept = [before, held(Reader(reader.app, network.token()))]
    backup.restore()
    for mark in ("61", "62", "63"):
        changing.all_kinds(mark)
        app = served(changing.site)  # started anew
        reader = Reader(app, Registered("client-1", network.pair, app, changing.site).token())
        assert wrongly_unchanged(reader, *kept, by_date=False) == []
