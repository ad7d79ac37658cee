"""The affiliation and the caseload in the box of a patient: added, moved, removed, and the date of the signed form."""

from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from ..domain.exhaustive import exhaustive
from ..domain.panel_kind import OtherKind, other_kind_of
from ..hooks import Actor, Host
from ..services.other_panels import one_patient
from ..services.other_panels.one_patient import OtherChange
from .inputs import number, number_or_none
from .interrupted import check_entries, shows_entries
from .serving import ID, Needs, Route
from .widget import changed

_RESULTS: Final = exhaustive(
    __name__,
    OtherChange,
    {
        OtherChange.ADDED: "Added to this {}.",
        OtherChange.MOVED: "Moved to this {}.",
        OtherChange.REMOVED: "Removed from the {}.",
        OtherChange.SIGNED: "The date of the signed form was changed.",
        OtherChange.UNCHANGED: "No change was needed.",
    },
)


@shows_entries
def choose_other(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Put the patient on an affiliation or a caseload, or move to another."""

    def choose() -> str:
        check_entries()
        kind, seen_id = _kind(), _seen_id()
        other_id = number(request.form.get("other_id", ""), "other_id", f"Choose the {kind.noun} in the list.")
        signed = request.form.get("signed_on", "")
        result = one_patient.choose(host, actor, patient_id, other_id, seen_id=seen_id, signed=signed)
        return _RESULTS[result].format(kind.noun)

    return changed(host, actor, patient_id, choose)


@shows_entries
def sign_other(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Enter the date of the signed form."""

    def sign() -> str:
        check_entries()
        kind, signed = _kind(), request.form.get("signed_on", "")
        result = one_patient.sign(host, actor, patient_id, kind, seen_id=_seen_id(), signed=signed)
        return _RESULTS[result].format(kind.noun)

    return changed(host, actor, patient_id, sign)


def leave_other(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Remove the patient from the current one."""

    def leave() -> str:
        kind = _kind()
        result = one_patient.remove(host, actor, patient_id, kind, seen_id=_seen_id())
        return _RESULTS[result].format(kind.noun)

    return changed(host, actor, patient_id, leave)


def _kind() -> OtherKind:
    return other_kind_of(request.form.get("kind", ""))


def _seen_id() -> int | None:
    return number_or_none(request.form.get("seen_other_id", ""), "", "Reload the patient's page and try again.")


_OF_PATIENT: Final = f"/patients/<{ID}:patient_id>/other"
ROUTES = (
    Route(f"{_OF_PATIENT}/choose", choose_other, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_OF_PATIENT}/sign", sign_other, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_OF_PATIENT}/remove", leave_other, Needs.THE_PATIENT, ("POST",)),
)
