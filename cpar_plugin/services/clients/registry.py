"""The register of clients: systems that may read panels through the FHIR interface."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ...domain import scopes as scope_rules
from ...domain.client_id import client_id_of, number_in
from ...domain.identifiers import CLINIC_NAME_LENGTH, issued_text
from ...domain.origins import registered_origins
from ...domain.refusals import NotFound, Refused, Stale
from ...hooks import Actor, Host
from ...store import tables
from ...store.types import key_of
from ..operations import record
from ..operations.record import OperationKind
from .jwks_url import checked_address
from .keys import checked_set

_GONE = "Client not found. It may have been revoked."
_ONE_OF_TWO = "Enter either the JWKS URL or the public keys, not both."
_TABLE = tables.client


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. Exactly one of `jwks_url` and `jwks` is given; no `panels` means all of them."""

    number: int
    name: str
    scopes: str
    jwks_url: str | None
    jwks: str | None
    origins: str
    panels: tuple[int, ...]
    version: int
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None
    held_at: datetime | None

    @property
    def client_id(self) -> str:
        """By which the client names itself, and the audit names it: `client-7`."""
        return id_of(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDraft:
    """A client as it is entered: text by people, panels by their ids. Give `jwks_url` or `jwks`."""

    name: str
    scopes: str
    jwks_url: str = ""
    jwks: str = ""
    origins: str = ""
    panels: Sequence[int] = field(default=())


def id_of(number: int) -> str:
    """The client id of a client's number."""
    return client_id_of(number)


def number_of(client_id: str) -> int | None:
    """The number in a client id, None for what is no client id."""
    return key_of(number_in(client_id) or "0")


def every_client(connection: Connection) -> list[Client]:
    """All clients, revoked ones last, in the order of their names."""
    is_revoked = _TABLE.c.revoked_at.is_not(None)
    return _read(connection, order_by=(is_revoked, _TABLE.c.name, _TABLE.c.client_id))


def live_client(connection: Connection, client_id: str) -> Client:
    """One client. Raises NotFound when there is none, or it is revoked."""
    number = number_of(client_id)
    clients = _read(connection, _TABLE.c.client_id == number, _TABLE.c.revoked_at.is_(None)) if number else []
    if not clients:
        raise NotFound(_GONE)
    return clients[0]


def register(host: Host, actor: Actor, draft: ClientDraft) -> str:
    """Register a client; returns its id. Raises Refused (by the names of a draft's fields)."""
    values = _checked(draft)
    with host.database.session() as session:
        _check_panels(session, draft.panels, current=())
        try:
            primary_key = session.execute(
                insert(_TABLE).values(**values, created_at=host.clock.now(), created_by=actor.actor_id)
            ).inserted_primary_key  # type: ignore[attr-defined]
        except IntegrityError:
            raise _name_taken() from None
        number = int(primary_key[0])
        _put_panels(session, number, draft.panels)
        _journal(session, host, actor, OperationKind.REGISTER_CLIENT, number)
    return id_of(number)


def change(host: Host, actor: Actor, client_id: str, version: int, draft: ClientDraft) -> None:
    """Change what a client may read, or its keys. Tokens that it has end at once.

    Raises Refused as `register` does, NotFound, and Stale when `version` is out of date.
    """
    values = _checked(draft)
    with host.database.session() as session:
        client = _locked(session, client_id)
        if client.version != version:
            raise Stale("Someone else changed this client in the meantime. Nothing was saved: review it and try again.")
        _check_panels(session, draft.panels, current=client.panels)
        try:
            session.execute(
                update(_TABLE).where(_TABLE.c.client_id == client.number).values(**values, version=version + 1)
            )
        except IntegrityError:
            raise _name_taken() from None
        session.execute(delete(tables.client_panel).where(tables.client_panel.c.client_id == client.number))
        _put_panels(session, client.number, draft.panels)
        _end_tokens(session, client.number)
        _journal(session, host, actor, OperationKind.CHANGE_CLIENT, client.number)


def revoke(host: Host, actor: Actor, client_id: str) -> Client:
    """Take a client's access away, at once and for good. Raises NotFound. Returns the client as it was."""
    with host.database.session() as session:
        client = _locked(session, client_id)
        session.execute(
            update(_TABLE)
            .where(_TABLE.c.client_id == client.number)
            .values(live_name=None, revoked_at=host.clock.now(), revoked_by=actor.actor_id)
        )
        _end_tokens(session, client.number)
        _journal(session, host, actor, OperationKind.REVOKE_CLIENT, client.number)
    return client


def hold(session: Session, host: Host, actor: Actor) -> list[Client]:
    """Put every client that lives on hold: it gets nothing until it is allowed again. Returns those."""
    is_live = _TABLE.c.revoked_at.is_(None) & _TABLE.c.held_at.is_(None)
    clients = _read(session.connection(), is_live, order_by=[_TABLE.c.client_id])
    session.execute(update(_TABLE).where(is_live).values(held_at=host.clock.now()))
    for client in clients:
        _end_tokens(session, client.number)
        _journal(session, host, actor, OperationKind.HOLD_CLIENT, client.number)
    return clients


def allow(host: Host, actor: Actor, client_id: str) -> Client:
    """Let a client that is on hold read again, as before. Raises NotFound, and Refused when it is not on hold."""
    with host.database.session() as session:
        client = _locked(session, client_id)
        if client.held_at is None:
            raise Refused(f"{client_id} is not on hold.")
        session.execute(update(_TABLE).where(_TABLE.c.client_id == client.number).values(held_at=None))
        _journal(session, host, actor, OperationKind.ALLOW_CLIENT, client.number)
    return client


def _checked(draft: ClientDraft) -> dict[str, str | None]:
    values: dict[str, str | None] = {"jwks_url": None, "jwks": None}
    messages: dict[str, str] = {}
    by_address, by_set = bool(draft.jwks_url.strip()), bool(draft.jwks.strip())
    checks: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("name", lambda: issued_text(draft.name, "name", "name of the client", CLINIC_NAME_LENGTH)),
        ("scopes", lambda: scope_rules.registered(draft.scopes)),
        ("jwks_url", lambda: checked_address(draft.jwks_url) if by_address else None),
        ("jwks", lambda: checked_set(draft.jwks) if by_set else None),
        ("origins", lambda: registered_origins(draft.origins)),
    )
    for name, check in checks:
        try:
            values[name] = check()
        except Refused as refused:
            messages.update(refused.messages)
    if by_address == by_set:
        messages.setdefault("jwks_url", "Enter either the JWKS URL or the public keys, not both.")
    if messages:
        raise Refused(messages)
    return {**values, "live_name": values["name"]}


def _read(
    connection: Connection, *conditions: ColumnElement[bool], order_by: Sequence[ColumnElement[Any]] = ()
) -> list[Client]:
    columns = (_TABLE.c.client_id, _TABLE.c.name, _TABLE.c.scopes, _TABLE.c.jwks_url, _TABLE.c.jwks, _TABLE.c.origins)
    times = (
        _TABLE.c.version,
        _TABLE.c.created_at,
        _TABLE.c.created_by,
        _TABLE.c.last_used_at,
        _TABLE.c.revoked_at,
        _TABLE.c.held_at,
    )
    of = tables.client_panel
    query = (
        select(*columns, *times, of.c.panel_id)
        .select_from(_TABLE.outerjoin(of, of.c.client_id == _TABLE.c.client_id))
        .where(*conditions)
        .order_by(*order_by, of.c.panel_id)
    )
    rows: dict[int, dict[str, Any]] = {}
    panels: dict[int, list[int]] = {}
    for row in connection.execute(query).mappings():
        values = dict(row)
        number, panel_id = values.pop("client_id"), values.pop("panel_id")
        rows[number] = values
        panels.setdefault(number, []).extend(() if panel_id is None else (panel_id,))
    return [Client(number=number, panels=tuple(panels[number]), **rows[number]) for number in rows]


def _locked(session: Session, client_id: str) -> Client:
    """The client, locked until this transaction ends."""
    number = number_of(client_id)
    session.execute(select(_TABLE.c.client_id).where(_TABLE.c.client_id == number).with_for_update())
    return live_client(session.connection(), client_id)


def _check_panels(session: Session, panels: Sequence[int], current: Sequence[int]) -> None:
    """A panel that has been deleted since may stay: taking the last one away would open all the others."""
    live = select(tables.panel.c.panel_id).where(
        tables.panel.c.panel_id.in_([*panels]), tables.panel.c.deleted_at.is_(None)
    )
    if set(panels) - set(session.scalars(live)) - set(current):
        raise Refused({"panels": "One of the panels no longer exists. Review the list."})


def _put_panels(session: Session, number: int, panels: Sequence[int]) -> None:
    if panels:
        rows = [{"client_id": number, "panel_id": panel_id} for panel_id in dict.fromkeys(panels)]
        session.execute(insert(tables.client_panel), rows)


def _end_tokens(session: Session, number: int) -> None:
    session.execute(delete(tables.client_token).where(tables.client_token.c.client_id == number))


def _journal(session: Session, host: Host, actor: Actor, kind: OperationKind, number: int) -> None:
    record.begin(session, host, actor, kind, client_id=id_of(number))


def _name_taken() -> Refused:
    return Refused({"name": "Another client already has this name. Choose a different name."})
