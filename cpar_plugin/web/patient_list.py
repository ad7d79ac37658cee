"""What the host's own lists of patients, such as a day sheet, say of each patient's panel."""

from collections.abc import Collection, Iterator
from typing import assert_never

from flask import url_for

from ..domain.dates import date_text
from ..domain.to_do import ToDo
from ..domain.wording import wording_for
from ..hooks import Actor, Host, PatientNote
from ..services.panels.patient_list import ListedPatient, listed_patients
from ..settings import load
from . import looks
from .widget import NOT_PANELED

_TITLE = "Panel"
_PAGE = "list_of_records"


def notes(host: Host, actor: Actor, patient_ids: Collection[int]) -> list[PatientNote]:
    """A note for each patient the actor may see; none while the integration is off. The look is recorded."""
    listed = listed_patients(host, actor, load(host.settings), patient_ids)
    if listed:
        looks.record_these(host, actor, [patient.patient_id for patient in listed], _PAGE)
    return [
        PatientNote(
            patient_id=patient.patient_id,
            title=_TITLE,
            text=patient.panel_number or NOT_PANELED,
            to_do=tuple(sentence for due in patient.to_do for sentence in _sentences(host, due, patient)),
            work_url=url_for("cpar.check_in_mark", patient_id=patient.patient_id) if host.schedule else "",
        )
        for patient in listed
    ]


def _sentences(host: Host, due: ToDo, patient: ListedPatient) -> Iterator[str]:
    match due:
        case ToDo.NOT_PANELED:
            yield "Not Paneled."
        case ToDo.EXCLUDED:
            assert patient.member
            for reason in patient.reasons:
                wording = wording_for(host.roster, patient.member, reason)
                yield f"{wording.label}. {wording.remedy}"
        case ToDo.NOT_CONFIRMED:
            assert patient.confirmed_on
            yield f"Last confirmed {date_text(patient.confirmed_on)}."
        case ToDo.COVERAGE:
            assert patient.member
            for caution in patient.coverage:
                wording = wording_for(host.roster, patient.member, caution)
                yield f"{wording.label}. {wording.remedy}"
        case _:
            assert_never(due)
