"""What each column of the tables in store/tables/reports.py holds: a part of `contents`."""

from collections.abc import Mapping
from typing import Final

from .columns import Holds, TableHolds, of_clinic, of_patient, of_staff

REPORT_TABLES: Final[Mapping[str, TableHolds]] = {
    "cpar_report": TableHolds(
        "Reports of the registry that users have uploaded.",
        {
            "report_id": Holds("Report, by number"),
            "kind": Holds("What it is about"),
            "received_at": Holds("When it was uploaded"),
            "name": of_patient("Name of the file"),
            "sha256": Holds("Hash of the file"),
            "reading": Holds("How its columns are read"),
            "rows_read": Holds("Number of rows in the file"),
            "reported_on": Holds("The report's own day"),
        },
    ),
    "cpar_report_line": TableHolds(
        "Rows of reports as work, the same ones from report to report.",
        {
            "line_id": Holds("Line, by number"),
            "kind": Holds("What the report is about"),
            "line_key": of_patient("Hash by which a line is known in the next report"),
            "report_id": Holds("The last report that has it"),
            "times": of_patient("How often it came"),
            "opened_at": of_patient("Since when"),
            "closed_at": of_patient("When a report no longer had it"),
            "state": of_patient("How far the work on it is"),
            "owner_id": of_staff("User who has taken it"),
            "changed_at": Holds("When a user last changed it"),
            "changed_by": of_staff("User who last changed it"),
            "ending": of_patient("What was decided about a patient who is on another panel too"),
            "ended_at": of_patient("When that was decided"),
            "ended_by": of_staff("User who decided it"),
            "learned_on": of_patient("Day of the submission that tells the registry of a removal"),
            "answer": of_patient("What the patient said about it at check-in"),
            "answered_at": of_patient("When the patient said so"),
            "made_by": Holds("The report with which it came first"),
        },
    ),
    "cpar_report_line_before": TableHolds(
        "Lines of reports as they were before a report, so that it can be removed.",
        {
            "report_id": Holds("The report, by number"),
            "line_id": Holds("Line, by number"),
            "report_id_before": Holds("The last report that had it"),
            "panel_id": of_clinic("Panel of the last report about one panel that had it"),
            "times": of_patient("How often it had come"),
            "opened_at": of_patient("Since when"),
            "closed_at": of_patient("When a report no longer had it"),
            "state": of_patient("How far the work on it was"),
            "ending": of_patient("What had been decided about a patient who is on another panel too"),
            "ended_at": of_patient("When that was decided"),
            "ended_by": of_staff("User who decided it"),
            "learned_on": of_patient("Day of the submission that tells the registry of a removal"),
            "answer": of_patient("What the patient said about it at check-in"),
            "answered_at": of_patient("When the patient said so"),
        },
    ),
    "cpar_report_line_change": TableHolds(
        "What users have changed of lines of reports.",
        {
            "line_id": Holds("Line, by number"),
            "report_id": Holds("Report in which it was"),
            "version": Holds("Number of the change"),
            "owner_id_before": of_staff("User who had taken it"),
            "owner_id_after": of_staff("User who had it afterwards"),
            "state_before": of_patient("How far the work was"),
            "state_after": of_patient("How far it was afterwards"),
            "note_before": of_patient("Note that it had"),
            "note_after": of_patient("Note afterwards"),
        },
    ),
    "cpar_panel_metrics": TableHolds(
        "What the registry counts of a panel by month, as entered or as in a report.",
        {
            "entry_id": Holds("Entry, by number"),
            "month": Holds("The month"),
            "received": Holds("How many patients the registry had in the file"),
            "attached": Holds("How many patients it counts as attached"),
            "as_of": Holds("Date of the source"),
            "report_id": Holds("The report that it was taken from"),
        },
    ),
    "cpar_letter": TableHolds(
        "Letters about patients who are on another clinic's panel too, sent and received.",
        {
            "letter_id": Holds("Letter, by number"),
            "line_id": Holds("Line of a report, by number"),
            "direction": Holds("Sent or received"),
            "day": of_patient("Day of the letter"),
            "party": of_patient("To or from"),
            "letterhead": of_clinic("Letterhead as it was sent"),
            "text": of_patient("The letter as it was sent, or what was noted of it"),
            "recorded_at": Holds("When it was recorded"),
            "recorded_by": of_staff("User who recorded it"),
            "withdrawn_at": Holds("When it was withdrawn as recorded by mistake"),
            "withdrawn_by": of_staff("User who withdrew it"),
        },
    ),
    "cpar_report_piece": TableHolds(
        "The file of a report.", {"report_id": Holds("Report, by number"), "data": of_patient("The file's content")}
    ),
    "cpar_report_row": TableHolds(
        "Rows of a report, with the patients found.",
        {
            "report_id": Holds("Report, by number"),
            "line_key": of_patient("Hash by which a line is known in the next report"),
            "phn": of_patient("PHN"),
            "family_name": of_patient("Family name"),
            "given_name": of_patient("Given name"),
            "birth_date": of_patient("Date of birth"),
            "gender": of_patient("Gender"),
            "panel_text": of_patient("Provider or panel as in the file"),
            "details": of_patient("What the report says beside the patient, such as another provider"),
            "matches": of_patient("How many patients fit"),
            "how": of_patient("How the patient was found"),
            "accepted": of_patient("Whether the match is certain, or a user accepted it"),
        },
    ),
}
