"""The pages of Manage Role: the list, and the form, whose arrows move permissions without any script."""

from dataclasses import dataclass, replace
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.web.interrupted import check_entries, shows_entries

from . import role_changes
from .administration import SECTION, status_of
from .frame import emr, page
from .roles import OfferedRight, Role, offered, roles

FLASHED = "emr"  # the category of messages
_SELECT_FIRST = {
    "assign": "Select a permission under Available Permissions first, then click the Left Arrow.",
    "unassign": "Select a permission under Assigned Permissions first, then click the Right Arrow.",
}
_NOT_MOVED = (
    "{} is selected but not assigned. Select it and click the Left Arrow, or save again to continue without it."
)


@dataclass(frozen=True, slots=True)
class RoleForm:
    """The form as it is typed. `moved` is the arrow that was clicked last, "" where none was."""

    name: str = ""
    description: str = ""
    assigned: tuple[str, ...] = ()
    mark: str = ""
    moved: str = ""

    def after(self, arrow: str, selected: list[str]) -> "RoleForm":
        """The form after `assign` or `unassign` of the selected permissions. Raises Refused where none is."""
        if not selected:
            raise Refused({"permissions": _SELECT_FIRST[arrow]})
        remaining = tuple(name for name in self.assigned if name not in selected)
        return replace(self, assigned=remaining + tuple(selected) if arrow == "assign" else remaining, moved=arrow)


def _from_form(form: MultiDict[str, str]) -> RoleForm:
    return RoleForm(
        name=form.get("name", ""),
        description=form.get("description", ""),
        assigned=tuple(dict.fromkeys(form.getlist("permissions"))),
        mark=form.get("mark", ""),
    )


def _from_role(role: Role) -> RoleForm:
    return RoleForm(role.name, role.description, role.rights, role.mark)


def manage_roles(actor: Actor) -> ResponseReturnValue:
    """All roles, with what they give and how many people hold them."""
    return page("Manage Role", "roles.html", section=SECTION, roles=_roles(_offered_rights()))


@shows_entries
def new_role(actor: Actor) -> ResponseReturnValue:
    """Create New Role."""
    if request.method == "GET":
        return _form_page(RoleForm())
    return _form_response(actor, None)


@shows_entries
def edit_role(actor: Actor, role_no: int) -> ResponseReturnValue:
    """The description and the permissions of one role; other parts of OSCAR know it by its name, which stays."""
    role = _editable_role(_offered_rights(), role_no)
    if request.method == "GET":
        return _form_page(_from_role(role), role)
    return _form_response(actor, role)


def delete_role(actor: Actor, role_no: int) -> ResponseReturnValue:
    """Ask, then delete."""
    role = _editable_role(_offered_rights(), role_no)
    if request.method == "GET":
        return page("Delete Role", "role_delete.html", section=SECTION, role=role, message="")
    try:
        name = role_changes.remove(emr().host, actor, _offered_rights(), role_no, request.form.get("mark", ""))
    except NotFound:
        raise
    except Refused as refused:
        status, role = status_of(refused), _editable_role(_offered_rights(), role_no)
        return page("Delete Role", "role_delete.html", status, section=SECTION, role=role, message=str(refused))
    flash(f"The role {name} was deleted.", FLASHED)
    return redirect(url_for("roles"), HTTPStatus.SEE_OTHER)


def _form_response(actor: Actor, role: Role | None) -> ResponseReturnValue:
    form, step = _from_form(request.form), request.form.get("step", "save")
    form = replace(form, name=role.name) if role else form
    try:
        if step in _SELECT_FIRST:
            return _form_page(form.after(step, request.form.getlist(step)), role)
        names = request.form.getlist("assign")
        if names:
            raise Refused({"permissions": _NOT_MOVED.format(", ".join(names))})
        check_entries()
        return _save(actor, role, form)
    except NotFound:
        raise
    except Stale as stale:
        now = _editable_role(_offered_rights(), role.role_no) if role else None
        return _form_page(_from_role(now) if now else form, now, stale)
    except Refused as refused:
        return _form_page(form, role, refused)


def _save(actor: Actor, role: Role | None, form: RoleForm) -> ResponseReturnValue:
    host, rights = emr().host, _offered_rights()
    if role is None:
        name = role_changes.create(host, actor, rights, form.name, form.description, form.assigned)
        flash(f"The role {name} was added. Assign it under Assign Role to Provider.", FLASHED)
    else:
        name = role_changes.change(host, actor, rights, role.role_no, form.mark, form.description, form.assigned)
        flash(f"The role {name} was saved.", FLASHED)
    return redirect(url_for("roles"), HTTPStatus.SEE_OTHER)


def _form_page(form: RoleForm, role: Role | None = None, refused: Refused | None = None) -> ResponseReturnValue:
    rights = _offered_rights()
    return page(
        "Edit Role" if role else "Create New Role",
        "role_form.html",
        status_of(refused) if refused else HTTPStatus.OK,
        section=SECTION,
        role=role,
        form=form,
        assigned=[rights[name] for name in form.assigned if name in rights],
        available=[right for name, right in rights.items() if name not in form.assigned],
        rights=rights.values(),
        messages=refused.messages if refused else {},
        name_length=role_changes.NAME_LENGTH,
        description_length=role_changes.DESCRIPTION_LENGTH,
    )


def _offered_rights() -> dict[str, OfferedRight]:
    return offered(emr().plugins.emr_permissions())


def _roles(rights: dict[str, OfferedRight], role_no: int | None = None) -> list[Role]:
    host = emr().host
    with host.database.engine.connect() as connection:
        return roles(connection, host.tables, rights, role_no)


def _editable_role(rights: dict[str, OfferedRight], role_no: int) -> Role:
    matches = _roles(rights, role_no)
    if not matches:
        raise NotFound(role_changes.GONE)
    if matches[0].fixed:
        raise Refused(role_changes.FIXED)
    return matches[0]
