"""Manage Role and Assign Role to Provider: the guide's way to somebody who manages panels and nothing else."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import insert, select, text

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor, Manifest, Permission, Plugins, hookimpl
from oscar_host.demo import holders, role_changes
from oscar_host.demo.app import create_app
from oscar_host.demo.roles import offered
from oscar_host.host import OscarHost, open_host
from oscar_host.passwords import hashed

from ..browser import fits_each_width, no_findings
from ..conftest import place_of_the_emr
from ..signing_in import session_of
from .conftest import BARRED, CPAR_ROLE, MANAGER, NO_RIGHTS, RECEPTION, Person

place = place_of_the_emr

MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"
ROLES = "/administration/roles"
NEW = f"{ROLES}/new"
ASSIGN = "/administration/assign-role"
PASSWORD = "a good password"
_MARK = re.compile(r'name="mark" value="([^"]*)"')


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)))


def _page(response: Any) -> str:
    return str(response.get_data(as_text=True))


@pytest.fixture
def role_no(app: Flask, host: OscarHost) -> Callable[[str], int]:
    """The roles of the people of these tests, as OSCAR keeps them; tells the number of one."""
    role = host.tables.role
    with host.database.writing() as connection:
        for name in ("admin", "doctor", "receptionist", "CPAR Admin"):
            connection.execute(insert(role).values(role_name=name, description=f"The {name}"))

    def number(name: str) -> int:
        with host.database.engine.connect() as connection:
            return int(connection.execute(select(role.c.role_no).where(role.c.role_name == name)).scalar_one())

    return number


@pytest.fixture
def privileges(host: OscarHost) -> Callable[[str], dict[str, str]]:
    """What secObjPrivilege holds for a group, by object."""
    given = host.tables.object_privilege

    def of(group: str) -> dict[str, str]:
        with host.database.engine.connect() as connection:
            rows = connection.execute(select(given).where(given.c.roleUserGroup == group))
            return {row.objectName: row.privilege for row in rows}

    return of


@pytest.fixture
def held(host: OscarHost) -> Callable[[str], list[str]]:
    """The roles in secUserRole of a provider."""
    table = host.tables.user_role

    def of(provider_id: str) -> list[str]:
        query = select(table.c.role_name).where(table.c.provider_no == provider_id).order_by(table.c.role_name)
        with host.database.engine.connect() as connection:
            return list(connection.scalars(query))

    return of


def _mark(person: Any, address: str) -> str:
    answer = _MARK.search(_page(person.get(address)))
    assert answer
    return answer[1]


def _logged(host: OscarHost) -> list[tuple[Any, ...]]:
    log = host.tables.log
    with host.database.engine.connect() as connection:
        query = select(log.c.provider_no, log.c.action, log.c.content, log.c.contentId).order_by(log.c.id)
        rows = connection.execute(query.where(log.c.content.in_(["role", "privilege"])))
        return [tuple(row) for row in rows]


def test_a_new_role_and_its_assignment_open_panel_management_and_nothing_else(
    role_no: Any, manager: Any, no_rights: Any, host: OscarHost, oscar: Any, privileges: Any, held: Any
) -> None:
    assert no_rights.get("/cpar/panels").status_code == 403
    answer = manager.post(NEW, step="save", name="Panels", description="Access to panels", permissions=MANAGE)
    assert (answer.status_code, answer.location) == (303, ROLES)
    assert "The role Panels was added." in _text(manager.get(ROLES))
    assert privileges("Panels") == {"_admin.cpar": "x", "_admin.resource": "r"}

    answer = manager.post(ASSIGN, step="add", provider_id=NO_RIGHTS, role="Panels")
    assert answer.status_code == 303
    assert "The role Panels was added to Brar, Ada." in _text(manager.get(ASSIGN))
    assert held(NO_RIGHTS) == ["Panels"]

    assert no_rights.get("/cpar/panels").status_code == 200
    menu = _text(no_rights.get("/administration"))
    assert "CPAR Panel Management" in menu
    assert "Manage Role" not in menu
    assert "User Management" not in menu
    for closed in (ROLES, NEW, ASSIGN, f"/patients/{oscar.patient()}"):
        assert no_rights.get(closed).status_code == 403
    assert _logged(host) == [
        (MANAGER, "add", "role", "Panels"),
        (MANAGER, "add", "privilege", "Panels|_admin.cpar|x"),
        (MANAGER, "add", "privilege", "Panels|_admin.resource|r"),
        (MANAGER, "add", "role", f"{NO_RIGHTS}|Panels"),
    ]
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(host.tables.object_name.c.description)) == MANAGE


def test_a_role_taken_away_closes_panel_management_at_once(
    role_no: Any, manager: Any, cpar_role: Any, held: Any, host: OscarHost
) -> None:
    assert cpar_role.get("/cpar/panels").status_code == 200
    assert manager.post(ASSIGN, step="remove", provider_id=CPAR_ROLE, role="CPAR Admin").status_code == 303
    assert "The role CPAR Admin was removed from Quill, Ada." in _text(manager.get(ASSIGN))
    assert cpar_role.get("/cpar/panels").status_code == 403
    assert held(CPAR_ROLE) == []
    assert _logged(host) == [(MANAGER, "delete", "role", f"{CPAR_ROLE}|CPAR Admin")]


def test_the_arrows_move_permissions_and_keep_what_was_typed(manager: Any) -> None:
    page = _page(manager.post(NEW, step="assign", name="Panels", description="Of <us>", assign=[MANAGE]))
    assert f'name="permissions" value="{MANAGE}"' in page
    assert 'value="Panels"' in page
    assert "Of &lt;us&gt;" in page
    page = _page(manager.post(NEW, step="unassign", name="Panels", permissions=[MANAGE, "_admin"], unassign=[MANAGE]))
    assert f'name="permissions" value="{MANAGE}"' not in page
    assert 'name="permissions" value="_admin"' in page


@pytest.mark.parametrize("step", ["assign", "unassign"])
def test_an_arrow_without_a_selection_says_what_to_select(manager: Any, step: str) -> None:
    answer = manager.post(NEW, step=step, name="Panels")
    assert answer.status_code == 422
    assert "Select a permission under" in _text(answer)


def test_a_permission_that_is_selected_but_not_moved_is_asked_about(manager: Any) -> None:
    answer = manager.post(NEW, step="save", name="Panels", assign=MANAGE)
    assert answer.status_code == 422
    assert f"{MANAGE} is selected but not assigned" in _text(answer)


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({"name": " \t"}, "Enter a role name"),
        ({"name": "x" * 31}, "Shorten the role name to 30 characters"),
        ({"name": "doctor,admin"}, "Remove the comma"),
        ({"name": "Panels 🙈"}, "OSCAR cannot store emoji"),
        ({"name": "101"}, "Include a letter"),
        ({"name": "cpar ADMIN "}, "OSCAR already uses this name"),
        ({"name": "Doctör"}, "OSCAR already uses this name"),
        ({"name": "d1"}, "OSCAR already uses this name"),
        ({"name": "left over"}, "OSCAR already uses this name"),
        ({"description": "x" * 61}, "Shorten the description to 60 characters"),
        ({"description": "🙈"}, "OSCAR cannot store emoji"),
        ({"permissions": []}, "Select at least one permission"),
        ({"permissions": [MANAGE, "_billing"]}, "Select permissions from the list"),
    ],
)
def test_a_role_that_cannot_be_is_refused_with_what_to_do(
    role_no: Any, manager: Any, oscar: Any, host: OscarHost, entered: dict[str, Any], message: str
) -> None:
    oscar.provider("D1")
    oscar.privilege("Left Over", "_admin", "x")
    fields = {"name": "Panels", "description": "", "permissions": MANAGE} | entered
    answer = manager.post(NEW, step="save", **fields)
    assert answer.status_code == 422
    assert message in _text(answer)
    with host.database.engine.connect() as connection:
        assert len(connection.execute(select(host.tables.role)).all()) == 4


def test_a_name_and_a_description_as_long_as_oscar_keeps_are_taken(role_no: Any, manager: Any, held: Any) -> None:
    name = "é" * 30
    answer = manager.post(NEW, step="save", name=name, description="ü" * 60, permissions=MANAGE)
    assert answer.status_code == 303
    assert manager.post(ASSIGN, step="add", provider_id=NO_RIGHTS, role=name).status_code == 303
    assert held(NO_RIGHTS) == [name]


def test_a_role_gets_another_description_and_other_permissions(
    role_no: Any, manager: Any, cpar_role: Any, privileges: Any, oscar: Any, host: OscarHost
) -> None:
    oscar.privilege("CPAR Admin", "_admin.resource", "r")
    oscar.privilege("CPAR Admin", "_billing", "w")
    address = f"{ROLES}/{role_no('CPAR Admin')}"
    page = _text(manager.get(address))
    assert "Assigned to 1 person" in page
    assert "1 other permission in" in page
    mark = _mark(manager, address)
    answer = manager.post(address, step="save", mark=mark, description="Patients only", permissions="_demographic")
    assert answer.status_code == 303
    assert "The role CPAR Admin was saved." in _text(manager.get(ROLES))
    assert privileges("CPAR Admin") == {"_demographic": "x", "_billing": "w"}
    assert cpar_role.get("/cpar/panels").status_code == 403
    assert cpar_role.get(f"/patients/{oscar.patient()}").status_code == 200
    assert _logged(host)[:3] == [
        (MANAGER, "update", "role", "CPAR Admin"),
        (MANAGER, "delete", "privilege", "CPAR Admin|_admin.cpar"),
        (MANAGER, "add", "privilege", "CPAR Admin|_demographic|x"),
    ]


def test_a_permission_that_a_role_has_in_part_or_too_weakly_is_given_in_full(
    role_no: Any, manager: Any, privileges: Any, oscar: Any
) -> None:
    oscar.privilege("receptionist", "_admin.cpar", "o")
    oscar.privilege("receptionist", "_admin.resource", "w")
    address = f"{ROLES}/{role_no('receptionist')}"
    permissions = ["_demographic", MANAGE]
    manager.post(address, step="save", mark=_mark(manager, address), description="", permissions=permissions)
    assert privileges("receptionist") == {"_demographic": "x", "_admin.cpar": "x", "_admin.resource": "w"}


def test_a_user_who_edits_a_role_that_changed_in_the_meantime_sees_it_as_it_is_now(
    role_no: Any, manager: Any, barred: Any, privileges: Any
) -> None:
    address = f"{ROLES}/{role_no('CPAR Admin')}"
    mark = _mark(manager, address)
    barred.post(address, step="save", mark=mark, description="Changed", permissions=[MANAGE, "_demographic"])
    answer = manager.post(address, step="save", mark=mark, description="Mine", permissions=[])
    assert answer.status_code == 409
    assert "Someone else changed this role in the meantime" in _text(answer)
    assert 'value="Changed"' in _page(answer)
    assert 'name="permissions" value="_demographic"' in _page(answer)
    assert privileges("CPAR Admin")["_demographic"] == "x"
    mark = _MARK.search(_page(answer))[1]  # type: ignore[index]
    assert manager.post(address, step="save", mark=mark, description="Mine", permissions=MANAGE).status_code == 303


def test_a_role_that_no_one_holds_can_be_deleted_and_nothing_is_left_of_it(
    role_no: Any, manager: Any, privileges: Any, held: Any, oscar: Any, host: OscarHost
) -> None:
    manager.post(NEW, step="save", name="Panels", description="", permissions=MANAGE)
    oscar.role("gone", "Panels")  # of a provider who is no longer there
    address = f"{ROLES}/{role_no('Panels')}/delete"
    mark = _mark(manager, address)
    assert manager.post(address, mark=mark).location == ROLES
    assert "The role Panels was deleted." in _text(manager.get(ROLES))
    assert privileges("Panels") == {}
    assert held("gone") == []
    assert _logged(host)[-1] == (MANAGER, "delete", "role", "Panels")
    answer = manager.post(address, mark=mark)
    assert answer.status_code == 404
    assert "someone deleted it" in _text(answer)


def test_a_role_that_someone_holds_is_not_deleted(role_no: Any, manager: Any, held: Any, privileges: Any) -> None:
    address = f"{ROLES}/{role_no('CPAR Admin')}/delete"
    page = manager.get(address)
    assert "Remove it from everyone first" in _text(page)
    mark = "" if _MARK.search(_page(page)) else _mark(manager, f"{ROLES}/{role_no('CPAR Admin')}")
    answer = manager.post(address, mark=mark)
    assert answer.status_code == 422
    assert "This role is assigned" in _text(answer)
    assert held(CPAR_ROLE) == ["CPAR Admin"]
    assert privileges("CPAR Admin") == {"_admin.cpar": "x"}


def test_the_role_admin_does_not_change(role_no: Any, manager: Any, privileges: Any) -> None:
    address = f"{ROLES}/{role_no('admin')}"
    for answer in (
        manager.get(address),
        manager.get(f"{address}/delete"),
        manager.post(address, step="save", mark="", description="", permissions=MANAGE),
        manager.post(f"{address}/delete", mark=""),
    ):
        assert answer.status_code == 422
        assert "The admin role belongs to OSCAR" in _text(answer)
    assert privileges("admin") == {"_admin": "x"}


def test_administrators_cannot_take_the_administration_from_themselves(
    role_no: Any, manager: Any, held: Any, oscar: Any
) -> None:
    answer = manager.post(ASSIGN, step="remove", provider_id=MANAGER, role="admin")
    assert answer.status_code == 422
    assert "remove your own administrator access" in _text(answer)
    assert held(MANAGER) == ["admin", "receptionist"]

    # Nor by a role that outranks theirs.
    oscar.privilege("doctor", "_admin", "o", priority=5)
    assert manager.post(ASSIGN, step="add", provider_id=MANAGER, role="doctor").status_code == 422
    assert held(MANAGER) == ["admin", "receptionist"]


def test_a_role_that_the_administrator_lives_on_keeps_the_administration(
    app: Flask, role_no: Any, manager: Any, no_rights: Any, privileges: Any
) -> None:
    manager.post(NEW, step="save", name="Chief", description="", permissions="_admin")
    manager.post(ASSIGN, step="add", provider_id=NO_RIGHTS, role="Chief")
    address = f"{ROLES}/{role_no('Chief')}"
    answer = no_rights.post(address, step="save", mark=_mark(no_rights, address), description="", permissions=MANAGE)
    assert answer.status_code == 422
    assert "remove your own administrator access" in _text(answer)
    assert privileges("Chief") == {"_admin": "x"}


def test_a_user_who_has_lost_the_administration_changes_nothing_any_more(
    role_no: Any, manager: Any, barred: Any, held: Any
) -> None:
    assert manager.post(ASSIGN, step="remove", provider_id=BARRED, role="admin").status_code == 303
    assert barred.post(ASSIGN, step="remove", provider_id=MANAGER, role="admin").status_code == 403
    assert held(MANAGER) == ["admin", "receptionist"]


def _both(first: Callable[[], object], second: Callable[[], object]) -> list[str]:
    """What comes of two changes that begin at the same moment: the words of refusals, "" for what was done."""
    together = Barrier(2)

    def run(change: Callable[[], object]) -> str:
        together.wait(60)
        try:
            change()
        except Refused as refused:
            return str(refused)
        return ""

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(run, (first, second)))


def test_two_administrators_who_take_the_role_from_each_other_at_once_leave_one(
    app: Flask, role_no: Any, host: OscarHost, held: Any, oscar: Any
) -> None:
    one, other = Actor(actor_id=MANAGER, display_name="One"), Actor(actor_id=BARRED, display_name="Other")
    for _ in range(5):
        result, refused = _both(
            lambda: holders.withdraw(host, one, BARRED, "admin"),
            lambda: holders.withdraw(host, other, MANAGER, "admin"),
        )
        assert result == ""
        assert "You are no longer an administrator" in refused
        lost = BARRED if host.identity.administers(one) else MANAGER
        assert host.identity.administers(one) != host.identity.administers(other)
        oscar.role(lost, "admin")


def test_a_role_is_made_and_assigned_once_however_often_it_is_sent(
    app: Flask, role_no: Any, host: OscarHost, held: Any
) -> None:
    one, other = Actor(actor_id=MANAGER, display_name="One"), Actor(actor_id=BARRED, display_name="Other")
    rights = offered([Permission(name=MANAGE, description="")])
    result, refused = _both(
        lambda: role_changes.create(host, one, rights, "Panels", "", [MANAGE]),
        lambda: role_changes.create(host, other, rights, "PANELS", "", [MANAGE]),
    )
    assert result == ""
    assert "OSCAR already uses this name" in refused
    result, refused = _both(
        lambda: holders.assign(host, one, NO_RIGHTS, "doctor"), lambda: holders.assign(host, other, NO_RIGHTS, "doctor")
    )
    assert result == ""
    assert "Brar, Ada already has the role doctor" in refused
    assert held(NO_RIGHTS) == ["doctor"]


class _Bills:
    """Another plugin, that asks for a right of its own."""

    @hookimpl
    def emr_manifest(self) -> Manifest:
        return Manifest(name="Bills", version="1", contract=">=1.0,<2")

    @hookimpl
    def emr_permissions(self) -> list[Permission]:
        return [Permission(name="SEE_BILLS_READ", description="See bills")]


def test_the_right_of_any_other_plugin_can_be_put_into_a_role_too(host: OscarHost, staff: None) -> None:
    plugins = Plugins()
    plugins.add(_Bills(), "bills")
    manager, clerk = Person(create_app(host, plugins), MANAGER), Actor(actor_id=NO_RIGHTS, display_name="")
    assert "SEE_BILLS_READ See bills" in _text(manager.get(NEW))
    assert manager.post(NEW, step="save", name="Bills", description="", permissions="SEE_BILLS_READ").status_code == 303
    assert not host.identity.has(clerk, "SEE_BILLS_READ")
    manager.post(ASSIGN, step="add", provider_id=NO_RIGHTS, role="Bills")
    assert host.identity.has(clerk, "SEE_BILLS_READ")
    assert not host.identity.has(clerk, MANAGE)


def test_next_to_an_oscar_whose_roles_may_only_be_read_the_page_says_where_to_change_them(
    host: OscarHost, place: Any, database_kind: str, role_no: Any, held: Any
) -> None:
    """On MariaDB a right of the account; SQLite has none, and there a file that may not be written is a fault."""
    if database_kind == "sqlite":
        url = f"sqlite:///file:{place.url.removeprefix('sqlite:///')}?mode=ro&uri=true"
    else:
        own = host.database.engine.url
        with host.database.engine.connect() as connection:
            here = connection.scalar(text("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)"))
            for statement in ("CREATE OR REPLACE USER {0}", f"GRANT SELECT ON {place.host_schema}.* TO {{0}}"):
                connection.exec_driver_sql(statement.format(f"cpar_reads@'{here}'"))
            connection.exec_driver_sql(f"GRANT ALL ON {own.database}.* TO cpar_reads@'{here}'")
        url = own.set(username="cpar_reads", password=None).render_as_string(hide_password=False)
    reading = open_host(url, host_schema=place.host_schema, clock=host.clock)
    manager = Person(create_app(reading, Plugins()), None)
    with manager.client.session_transaction() as session:
        session.update(session_of(create_app(host, Plugins()), MANAGER))
    assert "Brar, Ada" in _text(manager.get(ASSIGN))
    answer = manager.post(ASSIGN, step="add", provider_id=NO_RIGHTS, role="doctor")
    if database_kind == "sqlite":
        assert answer.status_code == 500
    else:
        assert answer.status_code == 422
        assert "Change them in OSCAR" in _text(answer)
    assert held(NO_RIGHTS) == []
    reading.database.engine.dispose()


def test_reading_the_administration_is_not_enough_to_hand_it_out(
    role_no: Any, no_rights: Any, oscar: Any, manager: Any
) -> None:
    oscar.privilege(NO_RIGHTS, "_admin", "r")
    assert no_rights.get("/cpar/panels").status_code == 200
    assert no_rights.get(ASSIGN).status_code == 403
    assert no_rights.post(ASSIGN, step="add", provider_id=NO_RIGHTS, role="admin").status_code == 403


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"provider_id": RECEPTION, "role": ""}, 422, "Select a role in the provider's dropdown"),
        ({"provider_id": RECEPTION, "role": "No Such Role"}, 404, "This role no longer exists"),
        ({"provider_id": RECEPTION, "role": "DOCTOR"}, 404, "This role no longer exists"),
        ({"provider_id": RECEPTION, "role": "🙈"}, 404, "This role no longer exists"),
        ({"provider_id": "nobody", "role": "doctor"}, 404, "This provider is no longer active"),
        ({"provider_id": "", "role": "doctor"}, 404, "This provider is no longer active"),
        ({"provider_id": RECEPTION, "role": "receptionist"}, 409, "Santos, Ada already has the role receptionist"),
        ({"provider_id": RECEPTION, "role": "doctor", "step": "remove"}, 409, "Santos, Ada no longer has this role"),
        ({"provider_id": "888", "role": "doctor"}, 404, "This provider is no longer active"),
        ({}, 422, "Select a role in the provider's dropdown"),
    ],
)
def test_an_assignment_that_cannot_be_says_why(
    role_no: Any, manager: Any, held: Any, oscar: Any, fields: dict[str, str], status: int, message: str
) -> None:
    oscar.provider("888", status="0")
    answer = manager.post(ASSIGN, **({"step": "add"} | fields))
    assert answer.status_code == status
    assert message in _text(answer).replace("&#39;", "'")
    assert held(RECEPTION) == ["receptionist"]


def test_a_role_held_twice_in_the_tables_is_removed_whole(role_no: Any, manager: Any, oscar: Any, held: Any) -> None:
    oscar.role(CPAR_ROLE, "CPAR Admin", "Forgotten Role")
    page = _page(manager.get(ASSIGN))
    assert page.count("Remove the role CPAR Admin from Quill, Ada") == 1
    assert manager.post(ASSIGN, step="remove", provider_id=CPAR_ROLE, role="CPAR Admin").status_code == 303
    assert manager.post(ASSIGN, step="remove", provider_id=CPAR_ROLE, role="Forgotten Role").status_code == 303
    assert held(CPAR_ROLE) == []


def test_providers_come_in_pages_and_are_searched_by_family_name(
    role_no: Any, manager: Any, oscar: Any, statements: list[str]
) -> None:
    for number in range(30):
        oscar.provider(str(500 + number), last_name=f"Many{number:02}")
    oscar.provider("600", last_name="Retired", status="0")
    oscar.provider("601", last_name="Retired", first_name="Holding", status="0")
    oscar.role("601", "doctor")
    statements.clear()
    first = manager.get(ASSIGN, name="many")
    assert len(statements) <= 12
    assert len(re.findall(r"Many\d\d, ", _text(first))) == 25
    assert 'href="/administration/assign-role?name=many&amp;page=1"' in _page(first)
    second = manager.get(ASSIGN, name="many", page="1")
    assert len(re.findall(r"Many\d\d, ", _text(second))) == 5
    assert manager.post(f"{ASSIGN}?name=many&page=1", step="add", provider_id="529", role="doctor").location == (
        f"{ASSIGN}?name=many&page=1"
    )
    retired = _page(manager.get(ASSIGN, name="retired"))
    assert "Retired, Holding" in retired
    assert "(not active)" in retired
    assert "Role for Retired" not in retired
    assert "600" not in retired
    assert "No providers found" in _text(manager.get(ASSIGN, name="🙈"))
    assert "System" not in _text(manager.get(ASSIGN))


def test_the_list_of_roles_says_what_each_gives_and_how_many_hold_it(
    role_no: Any, manager: Any, oscar: Any, statements: list[str]
) -> None:
    oscar.privilege("doctor", "_appointment", "x")
    statements.clear()
    page = _text(manager.get(ROLES))
    assert len(statements) <= 12
    assert "admin The admin _admin 2 people Built in" in page
    assert "doctor The doctor _demographic, and 1 other of OSCAR 1 person Edit Delete" in page
    assert f"CPAR Admin The CPAR Admin {MANAGE} 1 person" in page


def test_the_forms_need_their_token_and_addresses_that_are_none_give_a_page(role_no: Any, manager: Any) -> None:
    address = f"{ROLES}/{role_no('CPAR Admin')}"
    for path in (NEW, address, f"{address}/delete", ASSIGN):
        assert manager.post(path, token=False).status_code == 400
    for path in (f"{ROLES}/4711", f"{ROLES}/4711/delete"):
        assert manager.get(path).status_code == 404
        assert "This role no longer exists" in _text(manager.get(path))
        assert manager.post(path, step="save").status_code == 404
    assert manager.get(f"{ROLES}/{2**40}").status_code == 404
    assert manager.get(f"{ROLES}/x").status_code == 404


@pytest.fixture
def accounts(app: Flask, host: OscarHost) -> None:
    """The sign-ins of the administrator and the receptionist."""
    with host.database.writing() as connection:
        for user_name, provider_id in (("admin", MANAGER), ("reception", RECEPTION)):
            connection.execute(
                insert(host.tables.security).values(
                    user_name=user_name, password=hashed(PASSWORD), provider_no=provider_id
                )
            )


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_the_guide_is_followed_by_hand_until_the_receptionist_manages_panels(
    accounts: None, role_no: Any, open_tab: Any, script: bool
) -> None:
    page = open_tab(None, script=script)
    _sign_in(page, "admin")
    page.get_by_role("link", name="Administration").click()
    expect(page.get_by_role("heading", name="User Management")).to_be_visible()
    page.get_by_role("link", name="Create New Role").click()
    page.get_by_label("Role Name").fill("Panel Admin")
    page.get_by_label("Role Description").fill("Access to CPAR Panel Management")
    page.get_by_label("Available Permissions").select_option(MANAGE)
    page.get_by_role("button", name="Left Arrow").click()
    expect(page.get_by_label("Assigned Permissions").locator("option")).to_have_text([MANAGE])
    expect(page.get_by_role("button", name="Left Arrow")).to_be_focused()
    _look(page, script, "role-new")
    page.get_by_role("button", name="Add Role").click()
    expect(page.get_by_role("status")).to_contain_text("The role Panel Admin was added.")
    _look(page, script, "roles")

    page.get_by_role("navigation").get_by_role("link", name="Assign Role to Provider").click()
    page.get_by_label("Role for Santos, Ada").select_option("Panel Admin")
    page.get_by_role("button", name="Add the role to Santos, Ada").click()
    expect(page.get_by_role("status")).to_contain_text("The role Panel Admin was added to Santos, Ada.")
    expect(page.get_by_role("row", name="Santos, Ada")).to_contain_text("Panel Admin")
    _look(page, script, "role-assign")
    page.get_by_role("button", name="Sign out").click()

    _sign_in(page, "reception")
    page.get_by_role("link", name="Administration").click()
    menu = page.get_by_role("navigation", name="Administration")
    expect(menu.get_by_role("link")).to_have_text(["CPAR Panel Management"])
    menu.get_by_role("link").click()
    expect(page.get_by_role("heading", name="CPAR Panel Management")).to_be_visible()
    page.goto(NEW)
    expect(page.get_by_role("heading", name="No access to this page")).to_be_visible()
    _look(page, script, "role-refused")


def test_a_role_is_made_with_the_keyboard_alone(role_no: Any, open_tab: Any) -> None:
    page = open_tab(MANAGER)
    page.goto(NEW)
    expect(page.get_by_label("Role Name")).to_be_focused()
    page.keyboard.type("Panels")
    page.keyboard.press("Tab")
    page.keyboard.type("By keyboard")
    for _ in range(4):  # past Assigned Permissions and the arrows
        page.keyboard.press("Tab")
    expect(page.get_by_label("Available Permissions")).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Available Permissions").evaluate("list => list.value") == MANAGE
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Assigned Permissions").locator("option")).to_have_text([MANAGE])
    page.get_by_label("Role Description").press("Enter")
    expect(page.get_by_role("row", name="Panels By keyboard")).to_contain_text(MANAGE)


@pytest.mark.parametrize("address", [ROLES, NEW, f"{ROLES}/{{}}", f"{ROLES}/{{}}/delete", ASSIGN])
def test_each_page_prints_without_buttons(role_no: Any, open_tab: Any, address: str) -> None:
    page = open_tab(MANAGER)
    page.goto(address.format(role_no("CPAR Admin")))
    _look(page, True, address.strip("/").replace("/", "-").format("one"))
    page.emulate_media(media="print")
    assert [button.inner_text() for button in page.locator("button, .button").all() if button.is_visible()] == []
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_refused_form_shows_what_to_fix_and_leads_there(role_no: Any, open_tab: Any) -> None:
    page = open_tab(MANAGER)
    page.goto(NEW)
    page.get_by_label("Role Name").fill("cpar admin")
    page.get_by_role("button", name="Add Role").click()
    expect(page.get_by_role("alert")).to_contain_text("Select at least one permission")
    expect(page.get_by_label("Available Permissions")).to_be_focused()
    page.get_by_label("Available Permissions").select_option(MANAGE)
    page.get_by_role("button", name="Add Role").click()
    expect(page.get_by_role("alert")).to_contain_text("is selected but not assigned")
    page.get_by_label("Available Permissions").select_option(MANAGE)
    page.get_by_role("button", name="Left Arrow").click()
    page.get_by_role("button", name="Add Role").click()
    expect(page.get_by_role("alert")).to_contain_text("OSCAR already uses this name")
    expect(page.get_by_label("Role Name")).to_be_focused()
    _look(page, True, "role-refused-name")


def _sign_in(page: Page, user_name: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("User name").fill(user_name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _look(page: Page, script: bool, name: str) -> None:
    """Look at what is open: with axe where scripts run, and at two widths, neither of which it exceeds."""
    if script:
        no_findings(page, name)
    fits_each_width(page, name, (800, 1280))
