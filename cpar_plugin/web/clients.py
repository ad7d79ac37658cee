"""The pages about FHIR clients: which systems may read panels, with which keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.private_keys import holds_private_key
from ..domain.refusals import Refused, Stale
from ..domain.scopes import CONFIRM, EVERY_KIND, SUBSCRIBE
from ..hooks import Actor, Host
from ..services.clients import keys, registry
from ..services.clients.jwks_url import check_published
from ..services.clients.registry import Client, ClientDraft
from ..services.panels import editing as panel_service
from ..services.roster.providers import actor_names
from ..services.subscriptions import listing
from ..settings import load
from .fhir.addresses import base_url, token_url
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route
from .subscriptions import CONTENT_LABELS, STATUS_LABELS

_SCOPE_LABELS = {
    f"system/{EVERY_KIND}.rs": "Read everything",
    "system/Group.rs": "Read panels and who is on them (Group)",
    "system/Location.rs": "Read facilities (Location)",
    "system/Organization.rs": "Read the clinic (Organization)",
    "system/Patient.rs": "Read patients on panels (Patient)",
    "system/Practitioner.rs": "Read providers (Practitioner)",
    "system/PractitionerRole.rs": "Read which provider works where (PractitionerRole)",
    "system/Task.rs": "Read conflicts and mismatches in reports (Task); not part of the first choice",
    SUBSCRIBE: "Be notified of what happens on panels (Subscription); with the right to read panels",
    CONFIRM: "Confirm patients who were asked (a kiosk or check-in program)",
}


@dataclass(slots=True)
class ClientForm:
    """The fields of the form."""

    name: str = ""
    scopes: Sequence[str] = ()
    panels: Sequence[int] = ()
    jwks_url: str = ""
    jwks: str = ""
    origins: str = ""
    version: str = ""
    messages: dict[str, str] = field(default_factory=dict)

    def draft(self) -> ClientDraft:
        """The same, to be registered."""
        scopes = " ".join(self.scopes)
        return ClientDraft(
            name=self.name,
            scopes=scopes,
            jwks_url=self.jwks_url,
            jwks=self.jwks,
            origins=self.origins,
            panels=tuple(self.panels),
        )


def clients(host: Host, actor: Actor) -> ResponseReturnValue:
    """All clients, and what another system needs to know to connect."""
    settings = load(host.settings)
    with host.database.engine.connect() as connection:
        every = registry.every_client(connection)
        numbers = _numbers(panel_service.live_panels(connection, host))
        subscriptions = listing.every_subscription(connection)
        people = {client.created_by for client in every} | {one.turned_off_by for one in subscriptions}
        names = actor_names(connection, host, {person for person in people if person})
    return page(
        host,
        "FHIR Clients",
        "clients.html",
        clients=every,
        numbers=numbers,
        names=names,
        labels=_SCOPE_LABELS,
        subscriptions=subscriptions,
        status_labels=STATUS_LABELS,
        content_labels=CONTENT_LABELS,
        kids_of=lambda client: list(keys.usable(client.jwks or "")),
        base_url=base_url(settings),
        reachable=token_url(settings) is not None,
    )


@shows_entries
def new_client(host: Host, actor: Actor) -> ResponseReturnValue:
    """The empty form, and what becomes of it."""
    if request.method == "GET":
        return _form(host, ClientForm())
    form = _form_of_request()
    response = _refusal(host, form, lambda draft: registry.register(host, actor, draft))
    return response or _back_to_clients(
        f"{form.name.strip()} was registered. Send its operator the client ID and the address below."
    )


@shows_entries
def edit_client(host: Host, actor: Actor, client_no: int) -> ResponseReturnValue:
    """A client in the form, and what becomes of it."""
    client = _client(host, client_no)
    if request.method == "GET":
        form = ClientForm(
            client.name,
            client.scopes.split(),
            client.panels,
            client.jwks_url or "",
            client.jwks or "",
            client.origins.replace(" ", "\n"),
            str(client.version),
        )
        return _form(host, form, client)
    form = _form_of_request()
    version = number(form.version, "", INCOMPLETE)
    response = _refusal(
        host, form, lambda draft: registry.change(host, actor, client.client_id, version, draft), client
    )
    return response or _back_to_clients(f"{form.name.strip()} was saved. Its previous tokens are no longer valid.")


def revoke_client(host: Host, actor: Actor, client_no: int) -> ResponseReturnValue:
    """What revoking means, and doing it."""
    client = _client(host, client_no)
    if request.method == "GET":
        return page(host, f"Revoke {client.name}?", "client_revoke.html", client=client)
    registry.revoke(host, actor, client.client_id)
    return _back_to_clients(f"{client.name} was revoked.")


def _client(host: Host, client_no: int) -> Client:
    with host.database.engine.connect() as connection:
        return registry.live_client(connection, registry.id_of(client_no))


def _form_of_request() -> ClientForm:
    fields = request.form
    return ClientForm(
        name=fields.get("name", ""),
        scopes=[scope for scope in fields.getlist("scopes") if scope in _SCOPE_LABELS],
        panels=[number(panel_id, "panels", INCOMPLETE) for panel_id in fields.getlist("panels")],
        jwks_url=fields.get("jwks_url", ""),
        jwks=fields.get("jwks", ""),
        origins=fields.get("origins", ""),
        version=fields.get("version", ""),
    )


def _refusal(
    host: Host, form: ClientForm, save: Callable[[ClientDraft], object], client: Client | None = None
) -> ResponseReturnValue | None:
    """Save what was entered. None when that was possible, else the form again with what to fix."""
    try:
        check_entries()
        draft = form.draft()
        if draft.jwks_url.strip() and not draft.jwks.strip() and draft.jwks_url != (client and client.jwks_url):
            check_published(draft.jwks_url, load(host.settings))
        save(draft)
    except Stale as stale:
        form.messages = stale.messages
        return _form(host, form, client, HTTPStatus.CONFLICT)
    except Refused as refused:
        form.messages = refused.messages
        return _form(host, form, client, HTTPStatus.UNPROCESSABLE_ENTITY)
    return None


def _back_to_clients(message: str) -> ResponseReturnValue:
    flash(message, "cpar")
    return redirect(url_for("cpar.clients"), HTTPStatus.SEE_OTHER)


def _form(
    host: Host, form: ClientForm, client: Client | None = None, status: HTTPStatus = HTTPStatus.OK
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        numbers = _numbers(panel_service.live_panels(connection, host))
    _remove_private_keys(form, client)
    deleted = [panel_id for panel_id in (client.panels if client else ()) if panel_id not in numbers]
    title = f"Change {client.name}" if client else "Register a FHIR client"
    return page(
        host,
        title,
        "client_form.html",
        status,
        form=form,
        client=client,
        messages=form.messages,
        labels=_SCOPE_LABELS,
        panels=[*numbers.items(), *((panel_id, "A deleted panel") for panel_id in deleted)],
    )


def _remove_private_keys(form: ClientForm, client: Client | None) -> None:
    """A private key is sent to no one again, not even to who has pasted it: pages are printed, kept, and looked at."""
    entered = {"name": form.name, "jwks_url": form.jwks_url, "jwks": form.jwks, "origins": form.origins}
    for name, text in entered.items():
        if holds_private_key(text):
            setattr(form, name, getattr(client, name, None) or "")


def _numbers(panels: Sequence[panel_service.Panel]) -> dict[int, str]:
    return {panel.panel_id: panel.number for panel in panels}


_ONE = f"/clients/<{ID}:client_no>"
ROUTES = (
    Route("/clients", clients, Needs.ADMINISTRATION),
    Route("/clients/new", new_client, Needs.ADMINISTRATION, ("GET", "POST")),
    Route(_ONE, edit_client, Needs.ADMINISTRATION, ("GET", "POST")),
    Route(f"{_ONE}/revoke", revoke_client, Needs.ADMINISTRATION, ("GET", "POST")),
)
