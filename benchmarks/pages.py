"""The pages of a clinic with 20,000 members and 300 panels, against the same pages of one with 200 members.

What is measured is the processor's time for a page, from the request to the last byte, of the database too. Last visits
were compared with the EMR before, as they are all day.
"""

import logging

import click
from flask.testing import FlaskClient
from sqlalchemy import insert

from cpar_plugin.hooks import Plugins
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.services.fhir.refresh import refresh
from cpar_plugin.settings import load
from cpar_plugin.store import tables
from oscar_host import own_sessions
from oscar_host.accounts import Account
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from .big_clinic import NOW, PANEL_ID, empty_hosts, fill, more_panels
from .processor import Processor

MEMBERS, FEW, PANELS, MONTHS = 20_000, 200, 300, 12
AIM = 3.0
_AIMS = {"a panel by last visit": 2.0, "a panel by last visit, the latest first": 2.0}
_ROUNDS, _TIMES = 5, 4
_PANEL = f"/cpar/panels/{PANEL_ID}"
LISTS = {
    "Panels": "/cpar/panels",
    "Submission History": "/cpar/submissions",
    "Bulk Update": "/cpar/bulk",
    "patient's page": "/patients/1",
    "a panel by name": _PANEL,
    "a panel by record": f"{_PANEL}?sort=record",
    "a panel by date of birth": f"{_PANEL}?sort=born",
    "a panel by last visit": f"{_PANEL}?sort=seen",
    "a panel by last visit, the latest first": f"{_PANEL}?sort=-seen",
    "a panel by last confirmation": f"{_PANEL}?sort=confirmed",
    "a panel's last page": f"{_PANEL}?sort=-record&before=1",
}
# These look at every member, whatever they show.
WHOLE = {
    "coverage of a panel": f"{_PANEL}/coverage",
    "overview of a panel": f"{_PANEL}/overview",
    "overview of all": "/cpar/overview",
    "who is left out": f"{_PANEL}?show=excluded",
    "who is left out, by last visit": f"{_PANEL}?show=excluded&sort=seen",
    "who is not active": f"{_PANEL}?show=not-active",
    "who goes out": f"{_PANEL}?show=sent",
    "not seen for 2 years": f"{_PANEL}?unseen=2",
    "not confirmed for 1 year": f"{_PANEL}?unconfirmed=1",
    "MRP of no provider": f"{_PANEL}?mrp=outside",
}


def main(many: int = MEMBERS) -> None:
    """Print a line for each page and database: the ratio, and what it should be at most."""
    logging.disable(logging.WARNING)
    with empty_hosts() as small_ones, empty_hosts() as big_ones:
        for (name, small), (_, big) in zip(small_ones, big_ones, strict=True):
            little, large = _served(small, FEW), _served(big, many)
            for page, address in (LISTS | WHOLE).items():
                few, all_ = _best((little, Processor(small)), (large, Processor(big)), address)
                aim = f"aim: at most {_AIMS.get(page, AIM):g} x" if page in LISTS else "for information"
                click.echo(
                    f"{page}, {many} members and {PANELS} panels, {name}: {all_ / few:.2f} x that of {FEW} members "
                    f"({all_:.3f} s : {few:.3f} s; {aim})"
                )


def _served(host: OscarHost, members: int) -> FlaskClient:
    """At the embedded EMR of a clinic of this size."""
    fill(host, members)
    more_panels(host, PANELS)
    with host.database.writing() as connection:
        connection.execute(insert(tables.submission), [_submission(at) for at in range(PANELS * MONTHS)])
    everyone = host.identity.system
    bulk.carry_out(host, everyone, Assign("101", "AC", PANEL_ID))
    bulk.carry_out(host, everyone, Assign("101", "IN", PANEL_ID))
    refresh(host, load(host.settings))
    return manager(host)


def manager(host: OscarHost) -> FlaskClient:
    """A user who manages panels and may see patients, signed in at the embedded EMR."""
    with host.database.writing() as connection:
        given = {"provider_no": "101", "role_name": "admin", "activeyn": 1, "lastUpdateDate": NOW.replace(tzinfo=None)}
        connection.execute(insert(host.tables.user_role), given)
        connection.execute(
            insert(host.tables.object_privilege),
            [{"roleUserGroup": "admin", "objectName": name, "privilege": "x"} for name in ("_admin", "_demographic")],
        )
        account = {"security_no": 1, "user_name": "manager", "password": "", "provider_no": "101"}
        connection.execute(insert(host.tables.security), account)
    own_sessions.make_table(host.database.engine)
    plugins = Plugins()
    plugins.load_installed()
    app = create_app(host, plugins)
    token = app.extensions["own_sessions"].open(Account(1, "101", "", ""))
    client = app.test_client()
    with client.session_transaction() as session:
        session["session"] = token
    return client


def _submission(at: int) -> dict[str, object]:
    panel_id = 1 + at % PANELS
    times = {"requested_at": NOW, "finished_at": NOW, "due_on": NOW.date()}
    return {"panel_id": panel_id, "requested_by": "101", "state": "written", **times}


Served = tuple[FlaskClient, Processor]


def _best(little: Served, large: Served, address: str) -> tuple[float, float]:
    """Seconds in the small clinic and in the big one, in turn, so that other load meets both."""
    rounds = [(_seconds(*little, address), _seconds(*large, address)) for _ in range(_ROUNDS)]
    few, many = zip(*rounds, strict=True)
    return min(few), min(many)


def _seconds(client: FlaskClient, processor: Processor, address: str) -> float:
    def read() -> None:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        assert answer.data

    return processor.seconds(read, _TIMES)


if __name__ == "__main__":
    main()
