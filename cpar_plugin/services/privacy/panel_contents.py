"""What each column of the tables of panels, of every kind, holds: the first part of `contents`."""

from collections.abc import Mapping
from typing import Final

from .columns import Holds, TableHolds, of_clinic, of_patient, of_staff

_SINCE: Final = of_patient("Since when the patient has been on the panel")
_CONFIRMED_ON: Final = of_patient("Date of the confirmation")
_SIGNED_ON: Final = of_patient("Date of the signed affiliation form")
_CONFIRMED_HOW: Final = of_patient("How the confirmation came about")

PANEL_TABLES: Final[Mapping[str, TableHolds]] = {
    "cpar_clinic": TableHolds(
        "The clinic and its settings: one row.",
        {
            "clinic_id": Holds("Always 1"),
            "enabled_at": Holds("Since when the integration is on"),
            "name": of_clinic("Clinic Name"),
            "site_id": of_clinic("Site ID"),
            "exclusions_seen_at": Holds("When someone first looked at exclusions"),
            "checklist_dismissed_at": Holds("When the first-day checklist was dismissed"),
            "restored_at": Holds("When the work after a restore from a backup was last done"),
            "check_in_question": of_clinic("What to ask at check-in, in the clinic's own words"),
            "check_in_question_not_paneled": of_clinic("The same for patients who are on no panel"),
            "letterhead": of_clinic("Letterhead of letters to other clinics"),
            "letter_text": of_clinic("Letter to another clinic, in the clinic's own words"),
            "departure_letter": of_clinic("Letter to patients whose provider leaves, in the clinic's own words"),
            "check_in_question_conflict": of_clinic("The same for patients who are on another clinic's panel too"),
            "payment_cents": of_clinic("What is paid for a patient in a month, as entered"),
            "payment_label": of_clinic("What that payment is called"),
            "payment_as_of": Holds("Date of that amount"),
        },
    ),
    "cpar_panel": TableHolds(
        "Panels.",
        {
            "number": of_clinic("CPAR Panel Number"),
            "live_number": of_clinic("The same while the panel exists"),
            "notify": of_staff("Email address for failed submissions"),
            "state": Holds("Whether the panel is active, in transition, or ended"),
            "deleted_at": Holds("When the panel was deleted"),
            "floor_kind": Holds("Whose rule the panel's floor is"),
            "floor_patients": Holds("How many patients the panel must have"),
            "group_version": Holds("Version of the panel as a FHIR Group"),
            "group_members_version": Holds("Version of its members"),
            "group_changed_at": Holds("When the FHIR Group last changed"),
            "group_digest": Holds("Hash of the FHIR Group without its members"),
        },
    ),
    "cpar_departure": TableHolds(
        "Providers who leave: the steps of the way.",
        {
            "departure_id": Holds("Departure, by number"),
            "open_panel_id": Holds("The panel, until its departure is finished"),
            "leaves_on": of_staff("Day on which the provider leaves"),
            "administrator_id": of_staff("Provider who remains as panel administrator"),
            "split": Holds("Rules by which patients are divided"),
            "done": Holds("Tasks outside of the EMR that are done"),
            "letter_text": of_clinic("Letter to patients, in the clinic's own words"),
            "created_by": of_staff("Who began it"),
            "finished_at": Holds("When the panel ended or the departure was cancelled"),
        },
    ),
    "cpar_departure_patient": TableHolds(
        "Which panel each patient of a departure is to go to, until it is finished.",
        {"departure_id": Holds("Departure, by number")},
    ),
    "cpar_panel_facility": TableHolds("Facilities of each panel.", {"facility_id": of_clinic("Facility ID")}),
    "cpar_panel_provider": TableHolds("Providers of each panel."),
    "cpar_practitioner": TableHolds(
        "PPHS Practitioner IDs of providers.", {"practitioner_id": of_staff("PPHS Practitioner ID")}
    ),
    "cpar_member": TableHolds(
        "Which patient is on which panel now.",
        {"since": _SINCE, "confirmed_on": _CONFIRMED_ON, "confirmed_how": _CONFIRMED_HOW},
    ),
    "cpar_operation": TableHolds(
        "Every change: who made it, and when.",
        {
            "kind": Holds("Kind of change"),
            "undoes": Holds("Operation that it undoes"),
            "form_key": Holds("Random key of the form, so that it is carried out once"),
            "detail": of_patient("Settings of the operation; of a removal, the reason and the note of the user"),
        },
    ),
    "cpar_ledger": TableHolds(
        "What each operation changed for each patient: the membership before and after.",
        {
            "from_since": _SINCE,
            "from_confirmed_on": _CONFIRMED_ON,
            "from_confirmed_how": _CONFIRMED_HOW,
            "to_since": _SINCE,
            "to_confirmed_on": _CONFIRMED_ON,
            "to_confirmed_how": _CONFIRMED_HOW,
        },
    ),
    "cpar_operation_panel": TableHolds(
        "What each operation did to each panel, in numbers of patients.",
        {
            "added": Holds("How many patients were added"),
            "removed": Holds("How many patients were removed"),
            "kept": Holds("How many patients were confirmed, or had a confirmation undone"),
        },
    ),
    "cpar_confirmation_rate": TableHolds(
        "How many patients of a panel were asked and confirmed in a month.",
        {
            "month": Holds("First day of the month"),
            "visited": Holds("How many patients had a visit"),
            "in_person": Holds("How many of them were asked or confirmed by a person"),
            "members": Holds("How many patients were on the panel"),
            "confirmed": Holds("How many of them had a recent confirmation"),
            "within_months": Holds("How recent it had to be"),
            "counted_at": Holds("When it was counted"),
        },
    ),
    "cpar_skipped": TableHolds(
        "Patients that a bulk operation did not change.",
        {"reason": of_patient("Why"), "status": of_patient("Status of the patient in the EMR at that time")},
    ),
    "cpar_inherited": TableHolds(
        "Memberships carried over to another record because the EMR merged two.",
        {
            "retired_id": of_patient("Record number that was merged away"),
            "kept_id": of_patient("Record number that was kept"),
            "review_since": Holds("Since when someone has to look at an undone merge"),
        },
    ),
    "cpar_check_in": TableHolds(
        "What came of asking a patient at check-in.",
        {"day": of_patient("Day of the appointment"), "answer": of_patient("Which key was pressed")},
    ),
    "cpar_answer": TableHolds(
        "Answers to checks, such as a doubtful PHN.",
        {
            "caution": of_patient("Which check"),
            "fingerprint": Holds("Hash of the values that it is about"),
        },
    ),
    "cpar_other_panel": TableHolds(
        "Blended Capitation affiliations and caseloads, which are never submitted.",
        {
            "kind": Holds("Which of the two"),
            "name": of_clinic("Name"),
            "live_name": of_clinic("The same while it exists"),
            "state": Holds("Whether it is active, in transition, or ended"),
            "deleted_at": Holds("When it was deleted"),
        },
    ),
    "cpar_other_member": TableHolds(
        "Which patient is on which affiliation or caseload now.",
        {"kind": Holds("Which of the two"), "since": _SINCE},
    ),
    "cpar_other_ledger": TableHolds(
        "What each operation changed for each patient on affiliations and caseloads.",
        {
            "kind": Holds("Which of the two"),
            "from_other_panel_id": of_clinic("Affiliation or caseload before the operation"),
            "from_since": _SINCE,
            "from_signed_on": _SIGNED_ON,
            "to_other_panel_id": of_clinic("Affiliation or caseload after the operation"),
            "to_since": _SINCE,
            "to_signed_on": _SIGNED_ON,
            "merged_into": of_patient("Record number that was kept, where the EMR merged two"),
        },
    ),
}
