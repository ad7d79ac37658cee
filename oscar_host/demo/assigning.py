"""The page Assign Role to Provider."""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from cpar_plugin.hooks import Actor, Refused
from cpar_plugin.web.interrupted import check_entries, shows_entries

from . import holders
from .administration import SECTION, status_of
from .frame import emr, page
from .role_pages import FLASHED

_AT_ONCE = 25
_LAST_PAGE = 1000


@shows_entries
def assign_role(actor: Actor) -> ResponseReturnValue:
    """Every provider with the roles that they hold, a dropdown for each to add another, and a button to remove one."""
    if request.method == "GET":
        return _list()
    provider_id, role_name = request.form.get("provider_id", ""), request.form.get("role", "")
    try:
        check_entries()
        if request.form.get("step") == "remove":
            name = holders.withdraw(emr().host, actor, provider_id, role_name)
            message = f"The role {role_name} was removed from {name}."
        else:
            name = holders.assign(emr().host, actor, provider_id, role_name)
            message = f"The role {role_name} was added to {name}."
    except Refused as refused:
        return _list(refused, provider_id, role_name)
    flash(message, FLASHED)
    family, number = _query()
    return redirect(url_for("assign_role", name=family or None, page=number or None), HTTPStatus.SEE_OTHER)


def _list(refused: Refused | None = None, provider_id: str = "", role_name: str = "") -> ResponseReturnValue:
    host = emr().host
    family, number = _query()
    with host.database.engine.connect() as connection:
        rows = holders.holders(connection, host.tables, family, _AT_ONCE + 1, number * _AT_ONCE)
        names = holders.role_names(connection, host.tables)
    return page(
        "Assign Role to Provider",
        "role_assign.html",
        status_of(refused) if refused else HTTPStatus.OK,
        section=SECTION,
        providers=rows[:_AT_ONCE],
        more=len(rows) > _AT_ONCE,
        number=number,
        family=family,
        names=names,
        message=str(refused) if refused else "",
        provider_id=provider_id,
        role_name=role_name,
    )


def _query() -> tuple[str, int]:
    family, page_number = request.args.get("name", "").strip()[:30], request.args.get("page", "0")
    number = (
        min(int(page_number), _LAST_PAGE)
        if page_number.isascii() and page_number.isdigit() and len(page_number) < 9
        else 0
    )
    return family, number
