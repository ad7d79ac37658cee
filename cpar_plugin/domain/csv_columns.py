"""The columns of the CSV files that people are given: one name for one thing, in whatever file it is."""

from enum import StrEnum
from typing import Final


class CsvColumn(StrEnum):
    """A column by its heading. What a page also shows is called here as it is there."""

    # Who a row is about
    RECORD = "Record"
    FAMILY_NAME = "Family name"
    GIVEN_NAME = "Given name"
    MIDDLE_NAMES = "Middle names"
    PREFERRED_NAME = "Preferred name"
    BIRTH_DATE = "Date of birth"
    GENDER = "Gender"
    PHN = "PHN"
    PHN_PROVINCE = "Province of PHN"
    STATUS = "Status"
    MRP = "MRP"
    LAST_VISIT = "Last visit"
    LAST_SEEN_BY = "Last seen by"
    NEXT_APPOINTMENT = "Next appointment"
    COVERAGE = "Coverage"
    COVERAGE_START = "Coverage begins"
    COVERAGE_END = "Coverage ends"
    CARD_VERSION = "Version of the card"

    # Membership
    PANEL = "Panel"
    PANEL_NOW = "Current panel"
    PANEL_BEFORE = "Panel before the bulk update"
    PANEL_SINCE = "On the panel since"
    PANEL_STATE = "State of the panel"
    SIGNED_ON = "Form signed"
    LAST_CONFIRMATION = "Last confirmation"
    HOW_CONFIRMED = "How confirmed"

    # The next submission, and what keeps a patient out of it
    WILL_BE_SUBMITTED = "Will be submitted"
    REASON = "Reason"
    REASONS = "Reasons"
    HOW_TO_FIX = "How to fix"
    TO_CHECK = "To check"
    CHECKED = "Checked"
    TAKEN_BY = "Taken by"
    LINE_STATE = "State"
    NOTE = "Note"
    EXCLUDED_SINCE = "Excluded since"
    DAYS = "Days"
    CLOSED_ON = "Closed on"
    WHY_CLOSED = "Why closed"

    # What happened
    AT = "Date and time"
    EVENT = "What happened"
    EVENT_KIND = "Kind"
    BY = "By"
    ROLE = "Role"
    PAGE = "Page"
    ADDRESS = "Address"
    CHANGE = "What changed since"
    CHANGED_BY = "Changed by"
    CHANGED_AT = "Changed at"
    MAY_MOVE_BACK = "Can be moved back"

    # An imported list, as it is, and what becomes of it
    LISTED_ROW = "Row in the list"
    LISTED_FAMILY_NAME = "Family name in the list"
    LISTED_GIVEN_NAME = "Given name in the list"
    LISTED_BIRTH_DATE = "Date of birth in the list"
    LISTED_GENDER = "Gender in the list"
    LISTED_PHN = "PHN in the list"
    LISTED_PANEL = "Provider or panel in the list"
    RESULT = "Result"
    DIFFERENT_FIELDS = "Different"
    PANEL_OF_LIST = "Panel of the list"

    # Lines of reports of the registry
    REPORT = "Report"
    REPORTED_NAME = "Name in the report"
    REPORTED_PHN = "PHN in the report"
    DETAILS = "Details"
    OUR_VALUE = "Our value"
    REGISTRY_VALUE = "The registry's value"
    OPEN_SINCE = "Open since"
    TIMES = "Times"
    DUE_ON = "Due"

    # Confirmation rates
    MONTH = "Month"
    PROVIDER = "Provider"
    PROVIDER_ID = "Provider number"
    PANELS = "Panels"
    VISITED = "Patients seen"
    IN_PERSON = "Asked or confirmed by a person"
    IN_PERSON_PERCENT = "Asked (%)"
    MEMBERS = "Patients on the panels"
    CONFIRMED = "Confirmed recently"
    CONFIRMED_PERCENT = "Confirmed (%)"
    WITHIN_MONTHS = "Recently means within months"
    COUNTED_AT = "Counted at"

    # Whose patient someone is
    PROPOSED_PROVIDER = "Proposed provider"
    PROPOSED_PANEL = "Panel of the proposed provider"
    CUT = "Cut"
    CUT_REASON = "Why"
    VISITS_WITH = "Visits with the proposed provider"
    VISITS = "Visits that count"

    # The registry's metrics of a panel
    SUBMITTED = "Submitted"
    RECEIVED = "In the registry's file"
    ATTACHED = "Attached"
    NOT_ATTACHED = "Not attached"
    CONFLICTS = "Conflicts"
    MISMATCHES = "Mismatches"
    NOT_EXPLAINED = "Not explained"
    AS_OF = "Date of the source"

    # From the EMR to the payment
    STEP = "Step"
    STEP_PATIENTS = "Patients"
    SINCE_STEP = "Compared with"
    LOST = "Lost"
    GAINED = "Gained"


CsvHead = tuple[CsvColumn, ...]

# Which patient a row is about, at the beginning of it.
PATIENT: Final = (
    CsvColumn.RECORD,
    CsvColumn.FAMILY_NAME,
    CsvColumn.GIVEN_NAME,
    CsvColumn.BIRTH_DATE,
    CsvColumn.PHN,
)
