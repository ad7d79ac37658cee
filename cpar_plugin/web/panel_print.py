"""The list of a panel's page on paper: all that it has found, without what is for the screen."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from flask import g, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.cautions import Caution
from ..domain.exhaustive import exhaustive
from ..domain.reasons import Reason
from ..domain.wording import WORDING, Wording
from ..hooks import Actor, Host
from ..services.panels import editing
from ..services.panels.members import Listed
from ..services.panels.members_query import FIRST_LETTER, LAST_LETTER, Criteria, Fate, Shown
from ..services.panels.whole_list import whole_list
from ..services.roster import merges
from ..services.roster.providers import actor_names
from ..settings import load
from .panel_page import advice, criteria_of, members_context, state_of
from .rendering import long_page
from .serving import ID, Needs, Route

_FATES = exhaustive(
    __name__,
    Fate,
    {
        Fate.SENT: "Will be submitted",
        Fate.EXCLUDED: "Will be excluded",
        Fate.TO_CHECK: "Will be submitted, but check",
        Fate.CONFIRMATION_ONLY: "Will be excluded, needs only a confirmation",
    },
)


def print_panel(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The whole list from its beginning, whatever page of it was open."""
    state = state_of(request.args)
    criteria = criteria_of(host, actor, state).first_page
    merges.catch_up_to_show(host)
    connection = host.database.engine.connect()
    try:
        panel = editing.get(connection, host, panel_id)
        providers = actor_names(connection, host, {criteria.seen_by})
        listing = whole_list(connection, host, actor, load(host.settings), panel_id, criteria)
        remedies: dict[Wording, None] = {}
        return long_page(
            host,
            actor,
            f"Panel {panel.number}",
            "panel_print.html",
            connection,
            panel=panel,
            listing=replace(listing, members=_noting(host, listing.members, remedies)),
            advice=lambda: tuple(remedies),
            narrowed=tuple(_filters(criteria, providers)),
            now=host.clock.now(),
            clinic_name=g.cpar_clinic.name,
            back=_back(panel_id, state),
            **members_context(host, panel),
        )
    except BaseException:
        connection.close()
        raise


def _noting(host: Host, members: Iterable[Listed], remedies: dict[Wording, None]) -> Iterator[Listed]:
    """The members one by one. What to do about their reasons and cautions is added to `remedies`."""
    for member in members:
        remedies |= dict.fromkeys(advice(host, (member,)))
        yield member


def _back(panel_id: int, state: Mapping[str, str]) -> str:
    values = {field: text for field, text in state.items() if text and field not in ("after", "before")}
    return url_for("cpar.panel", panel_id=panel_id, **values)  # type: ignore[arg-type]


def _filter_text(fate: Shown) -> str:
    match fate:
        case Fate():
            return _FATES[fate]
        case Reason():
            return f"reason for exclusion: {WORDING[fate].label}"
        case Caution():
            return f"to check: {WORDING[fate].label}"
        case _:
            assert_never(fate)


def _filters(criteria: Criteria, providers: Mapping[str, str]) -> Iterator[str]:
    """What the list was narrowed by, in words."""
    if criteria.text:
        yield f"search \u201c{criteria.text}\u201d"
    if criteria.fate:
        yield _filter_text(criteria.fate)
    for years, verb in ((criteria.unconfirmed_years, "confirmed"), (criteria.unseen_years, "seen")):
        if years:
            yield f"not {verb} for {years} {'year' if years == 1 else 'years'}, or never"
    if criteria.seen_by:
        yield f"last seen by {providers[criteria.seen_by]}"
    if criteria.surname_from or criteria.surname_to:
        yield f"family name {criteria.surname_from or FIRST_LETTER} to {criteria.surname_to or LAST_LETTER}"
    if criteria.age:
        yield f"age {criteria.age}"
    if criteria.how:
        yield criteria.how.value
    if criteria.mrp_outside:
        yield "MRP not a provider of this panel, or no MRP"


ROUTES = (Route(f"/panels/<{ID}:panel_id>/print", print_panel, Needs.MANAGEMENT),)
