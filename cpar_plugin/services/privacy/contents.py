"""What each column of the plugin's tables holds, in words for people who answer for patient data.

The one place for it, with the names that mean the same everywhere: a column that is not described fails a test.
"""

from collections.abc import Mapping
from typing import Final

from .columns import Holds, TableHolds, of_clinic, of_patient, of_staff
from .panel_contents import PANEL_TABLES
from .report_contents import REPORT_TABLES
from .subscription_contents import SUBSCRIPTION_TABLES

TABLES: Final[Mapping[str, TableHolds]] = {
    **PANEL_TABLES,
    **REPORT_TABLES,
    **SUBSCRIPTION_TABLES,
    "cpar_night_run": TableHolds(
        "Nights in which panels were submitted.",
        {
            "night": Holds("Date"),
            "began_at": Holds("When the night run began"),
            "automatic": Holds("Automatic date that it covered"),
        },
    ),
    "cpar_heartbeat": TableHolds(
        "When regular work was last done.",
        {"name": Holds("Which work"), "zone_offsets": Holds("Time zone rules in use")},
    ),
    "cpar_submission": TableHolds(
        "Requests to submit a panel, and what became of each.",
        {
            "submission_id": Holds("Submission, by number"),
            "open_panel_id": of_clinic("The panel until the submission is finished"),
            "automatic": Holds("Automatic date that it serves"),
            "requested_at": Holds("When it was requested"),
            "requested_by": of_staff("Who requested it"),
            "due_on": Holds("Night run that it goes with"),
            "state": Holds("Status"),
            "first_attempt_at": Holds("When it was first tried"),
            "next_attempt_at": Holds("When it is tried next"),
            "in_doubt_since": Holds("Since when it may have arrived"),
            "finished_at": Holds("When it finished"),
            "answer_status": Holds("HTTP status of the registry's answer"),
            "answer_id": Holds("Identifier that the registry returned"),
            "answer_detail": of_patient("The registry's own words, which may name a patient"),
            "failure": Holds("Why it failed, and what to do"),
            "notified_at": Holds("When the panel's recipient was notified"),
            "releases": Holds("Held submission that it releases, by number"),
            "guard_note": Holds("Why it would have been held"),
            "release_requested_by": of_staff("Who asked to release it"),
            "release_requested_at": Holds("When its release was asked for"),
        },
    ),
    "cpar_rehearsal": TableHolds(
        "Whether the coming submission of each panel would be held.",
        {
            "automatic": Holds("Automatic date that it is about"),
            "rehearsed_at": Holds("Moment of its data"),
            "held": Holds("Why the submission would be held, in numbers"),
            "notified_for": Holds("Last automatic date of which the panel's recipient was notified"),
        },
    ),
    "cpar_snapshot": TableHolds(
        "What was submitted: numbers and hash. The content is in cpar_snapshot_piece.",
        {
            "taken_at": Holds("When the snapshot was taken"),
            "sent": Holds("Number of patients submitted"),
            "excluded": Holds("Number of patients excluded"),
            "reasons": Holds("Number of patients for each reason for exclusion"),
            "entries": Holds("Number of resources"),
            "body_bytes": Holds("Size"),
            "sha256": Holds("Hash of the content as sent"),
        },
    ),
    "cpar_snapshot_piece": TableHolds(
        "The content of submissions, compressed.",
        {
            "part": Holds("The content, or the index of patients in it"),
            "data": of_patient("Patients as submitted: PHN, names, birth date, gender, and dates"),
        },
    ),
    "cpar_exclusion": TableHolds(
        "Who was excluded from each submission.", {"reasons": of_patient("Reasons for exclusion")}
    ),
    "cpar_exclusion_line": TableHolds(
        "Exclusions that people work on.",
        {
            "reason": of_patient("Reason for exclusion"),
            "opened_at": of_patient("Since when"),
            "closed_at": of_patient("Until when"),
            "closing": of_patient("Why it was closed"),
            "state": of_patient("How far the work on it is"),
            "owner_id": of_staff("User who has taken it"),
            "note": of_patient("Note of a user"),
            "changed_at": Holds("When a user last changed it"),
            "changed_by": of_staff("User who last changed it"),
        },
    ),
    "cpar_exclusion_line_change": TableHolds(
        "What users have changed of exclusions.",
        {
            "reason": of_patient("Reason for exclusion"),
            "version": Holds("Number of the change"),
            "owner_id_before": of_staff("User who had taken it"),
            "owner_id_after": of_staff("User who had it afterwards"),
            "state_before": of_patient("How far the work was"),
            "state_after": of_patient("How far it was afterwards"),
            "note_before": of_patient("Note that it had"),
            "note_after": of_patient("Note afterwards"),
        },
    ),
    "cpar_exclusion_comparison": TableHolds(
        "When exclusions were last compared with the EMR: one row.",
        {
            "comparison_id": Holds("Always 1"),
            "compared_at": Holds("When exclusions were last compared"),
            "whole_at": Holds("When those of all patients were last compared"),
        },
    ),
    "cpar_exclusion_found": TableHolds(
        "What a comparison is finding; otherwise empty.", {"reason": of_patient("Reason for exclusion")}
    ),
    "cpar_last_visit": TableHolds(
        "Last visits of patients on panels, as the FHIR interface shows them.",
        {"last_visit_on": of_patient("Date of the last visit")},
    ),
    "cpar_patient_version": TableHolds(
        "Versions of patients in the FHIR interface.", {"version": of_patient("Version of the Patient resource")}
    ),
    "cpar_resource_version": TableHolds(
        "Versions of the clinic, facilities, providers, and lines of reports in the FHIR interface.",
        {"kind": Holds("Kind of resource"), "resource_id": Holds("Which one"), "version": Holds("Its version")},
    ),
    "cpar_client": TableHolds(
        "Systems that may read panels through the FHIR interface.",
        {
            "name": Holds("Name of the client"),
            "live_name": Holds("The same until it is revoked"),
            "scopes": Holds("What it may read"),
            "jwks_url": Holds("URL of its public keys"),
            "jwks": Holds("Its public keys"),
            "origins": Holds("Web pages from which it calls"),
            "created_by": of_staff("User who registered it"),
            "last_used_at": Holds("When it last got a token"),
            "revoked_at": Holds("When it was revoked"),
            "revoked_by": of_staff("User who revoked it"),
            "held_at": Holds("Since when it is on hold"),
        },
    ),
    "cpar_client_panel": TableHolds("Panels that a client is limited to."),
    "cpar_client_token": TableHolds(
        "Access tokens that are valid now.",
        {"digest": Holds("SHA-256 of the token, which is kept nowhere"), "scopes": Holds("What it allows")},
    ),
    "cpar_client_assertion": TableHolds(
        "Proofs of identity that clients have used, so that none is used twice.",
        {"jti_digest": Holds("SHA-256 of the proof's identifier")},
    ),
    "cpar_client_confirmation": TableHolds(
        "Confirmations that clients have sent, so that none is carried out twice.",
        {
            "idempotency_key": Holds("The client's own key of the request"),
            "day": of_patient("Date of the confirmation"),
            "outcome": of_patient("What came of it"),
        },
    ),
    "cpar_request_count": TableHolds(
        "How often a client, a user, or an address has used the FHIR interface in a minute.",
        {"name": of_staff("What was counted, and the client, user, or address"), "number": Holds("How often")},
    ),
    "cpar_read": TableHolds(
        "Reads of patients through the FHIR interface.",
        {
            "read_id": Holds("Read, by number"),
            "interaction": Holds("Read, search, export or notification"),
            "kind": Holds("Kind of resource"),
            "resource_id": of_patient(
                "Record number of the patient, the panel, or the subscription; empty for a search"
            ),
            "patients": Holds("How many patients were given out"),
            "set_digest": Holds("Which of them, where they are several: the digest of a set of patients"),
        },
    ),
    "cpar_read_set": TableHolds(
        "Sets of patients that reads gave out together, each stored once for all of its reads.",
        {"set_id": Holds("Set, by number"), "digest": of_patient("Hash of the record numbers in the set")},
    ),
    "cpar_read_set_patient": TableHolds("Patients in each of these sets.", {"set_id": Holds("Set, by number")}),
    "cpar_look": TableHolds(
        "Who looked at patients on which page.",
        {
            "look_id": Holds("Look, by number"),
            "role": of_staff("Role of the user, where the EMR says it"),
            "path": Holds("Address of the page, without what was searched for"),
        },
    ),
    "cpar_look_patient": TableHolds("Patients that each look showed.", {"look_id": Holds("Look, by number")}),
    "cpar_export": TableHolds(
        "Bulk exports, until their files are removed.",
        {
            "open_actor_id": Holds("The same until the export is finished: one at a time"),
            "panels": of_clinic("Panels that it is limited to"),
            "request_url": Holds("Address that was requested"),
            "request": Holds("Parameters of the request"),
            "state": Holds("Status"),
            "transaction_time": Holds("Moment of the data"),
            "expected": Holds("How many patients there are"),
            "exported": Holds("How many are done"),
            "finished_at": Holds("When it finished"),
            "failure": Holds("Why it failed, and what to do"),
        },
    ),
    "cpar_export_file": TableHolds(
        "Files of bulk exports. The files themselves are in the export folder.",
        {
            "name": Holds("Name of the file"),
            "section": Holds("Data, deletions or errors"),
            "kind": Holds("Kind of resource"),
            "resources": Holds("Number of lines"),
            "patients": Holds("Number of patients"),
            "bytes": Holds("Size"),
        },
    ),
    "cpar_kept": TableHolds(
        "Searches and interrupted forms, for a short time.",
        {
            "token_hash": Holds("SHA-256 of the token that opens it, which is kept nowhere"),
            "owner": of_staff("User whose it is"),
            "sealed": of_patient("What was typed, encrypted with a key from the token"),
        },
    ),
    "cpar_upload": TableHolds(
        "Lists that users have uploaded, for a short time.",
        {
            "purpose": Holds("What it was uploaded for"),
            "name": of_patient("Name of the file; its owner alone sees it"),
            "reading": Holds("How its columns are read"),
        },
    ),
    "cpar_upload_piece": TableHolds("The uploaded file.", {"data": of_patient("The file's content")}),
    "cpar_upload_row": TableHolds(
        "Rows of the uploaded list.",
        {
            "phn": of_patient("PHN"),
            "family_name": of_patient("Family name"),
            "given_name": of_patient("Given name"),
            "family_key": of_patient("Family name as it is compared"),
            "given_key": of_patient("Given name as it is compared"),
            "birth_date": of_patient("Date of birth"),
            "gender": of_patient("Gender"),
            "panel_text": of_patient("Provider or panel as in the file"),
        },
    ),
    "cpar_upload_match": TableHolds(
        "Patients that a row may be about.",
        {"how": of_patient("How the patient was found"), "accepted": of_patient("Whether a user accepted the match")},
    ),
    "cpar_upload_patient": TableHolds("Patients of the list that are known for certain."),
    "cpar_list_layout": TableHolds(
        "How lists and reports with the same column names are read.",
        {
            "purpose": Holds("For what files with these column names are uploaded"),
            "fingerprint": Holds("Hash of the column names"),
            "reading": Holds("How the columns are read"),
            "saved_at": Holds("When it was saved"),
            "saved_by": of_staff("User who saved it"),
        },
    ),
}
