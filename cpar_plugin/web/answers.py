"""Answers to cautions as forms send them: which button was pressed, the caution, and the fingerprint that was seen."""

from collections.abc import Mapping

from ..domain.cautions import Caution
from ..domain.exhaustive import exhaustive
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.panels import answering
from ..services.panels.answering import AnswerChange
from .inputs import INCOMPLETE, number

ANSWERED = exhaustive(
    __name__,
    AnswerChange,
    {
        AnswerChange.ANSWERED: "Saved: checked against the card.",
        AnswerChange.WITHDRAWN: "Withdrawn: to be checked again.",
        AnswerChange.UNCHANGED: "No change was needed.",
    },
)


def answer(host: Host, actor: Actor, form: Mapping[str, str]) -> str:
    """Give an answer or take one back. Returns what came of it, in words.

    Raises Stale when it is about other values by now, Refused for a form that is not complete, and Forbidden for a
    patient the actor may not see.
    """
    act = answering.withdraw if "withdraw" in form else answering.give
    patient, code, fingerprint = [*form.get("withdraw", form.get("answer", "")).split(" "), "", "", ""][:3]
    if not fingerprint or code not in list(Caution):
        raise Refused(INCOMPLETE)
    patient_id = number(patient, "", INCOMPLETE)
    access.require_patient(host, actor, patient_id)
    return ANSWERED[act(host, actor, patient_id, Caution(code), seen_fingerprint=fingerprint)]
