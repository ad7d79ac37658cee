"""The EMR's tables that are read or added to: what for, and what each of their columns holds.

The one place for it: a column that the code names and that is not described here fails a test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cpar_plugin.services.privacy.columns import Holds, TableHolds, of_patient, of_staff
from cpar_plugin.services.privacy.document import IN_THIS_SYSTEM, Grid, PackSection, StatementSource

from ..host import OscarHost
from ..own_sessions import own_session
from ..present import column_types
from ..schema import Tables, host_tables

_NOT_HERE: Final = "not here, or not open to the account"
_LOG: Final = host_tables().log.name


@dataclass(frozen=True, slots=True)
class EmrTable:
    """What a table is used for, and the columns that are used."""

    purpose: str
    columns: Mapping[str, Holds]


_PROVIDER: Final = of_staff("Provider")
_PATIENT: Final = of_patient("Record number")

EMR_TABLES: Final[Mapping[str, EmrTable]] = {
    "demographic": EmrTable(
        "Patients: who they are, and whether they can be submitted.",
        {
            "demographic_no": _PATIENT,
            "last_name": of_patient("Family name"),
            "first_name": of_patient("Given name"),
            "middleNames": of_patient("Middle names"),
            "middle_name": of_patient("Middle name, in a Juno"),
            "pref_name": of_patient("Preferred name"),
            "year_of_birth": of_patient("Year of birth"),
            "month_of_birth": of_patient("Month of birth"),
            "date_of_birth": of_patient("Day of birth"),
            "sex": of_patient("Gender"),
            "hin": of_patient("PHN"),
            "ver": of_patient("Version code of the health care card"),
            "hc_type": of_patient("Province of the PHN"),
            "eff_date": of_patient("First day of coverage"),
            "hc_renew_date": of_patient("Last day of coverage"),
            "provider_no": of_patient("MRP"),
            "patient_status": of_patient("Active, inactive, deceased, ..."),
            "address": of_patient("Street, when a provider leaves: for letters, and to keep families together"),
            "city": of_patient("City, for the same"),
            "province": of_patient("Province of the address, for the same"),
            "postal": of_patient("Postal code, for the same"),
        },
    ),
    "demographic_merged": EmrTable(
        "Records that were merged: they count as one patient.",
        {
            "id": Holds("Merge, by number"),
            "demographic_no": of_patient("Record number that was merged away"),
            "merged_to": of_patient("Record number that was kept"),
            "deleted": Holds("Whether the merge was undone"),
        },
    ),
    "appointment": EmrTable(
        "Visits: the last one of each patient, by which provider, and the day's check-in list. Why someone comes is "
        "only compared with the words for a physical, and never shown or kept.",
        {
            "appointment_no": Holds("Appointment, by number"),
            "demographic_no": _PATIENT,
            "provider_no": _PROVIDER,
            "appointment_date": of_patient("Date"),
            "start_time": of_patient("Time"),
            "status": of_patient("Whether it took place"),
            "imported_status": of_patient("The same, from another system"),
            "type": of_patient("Kind of appointment"),
            "reason": of_patient("Why someone comes"),
        },
    ),
    "appointment_status": EmrTable(
        "The clinic's names of statuses, for cpar doctor.",
        {
            "status": Holds("Code of the status"),
            "description": Holds("Its name"),
        },
    ),
    "provider": EmrTable(
        "Providers, and who may sign in.",
        {
            "provider_no": _PROVIDER,
            "last_name": of_staff("Family name"),
            "first_name": of_staff("Given name"),
            "ohip_no": of_staff("Practitioner ID"),
            "practitionerNo": of_staff("Licence"),
            "status": of_staff("Whether active"),
        },
    ),
    "secUserRole": EmrTable(
        "Who has which role.",
        {
            "provider_no": _PROVIDER,
            "role_name": of_staff("Role"),
            "sec_role_id": of_staff("Role, in a newer Juno"),
        },
    ),
    "secObjPrivilege": EmrTable(
        "What each role may do, and which records are closed to which users.",
        {
            "roleUserGroup": of_staff("Role, or one provider"),
            "objectName": of_patient("What it is about; for a closed record, its number"),
            "privilege": of_staff("Read, update, write or closed"),
            "priority": Holds("Order in which rights count"),
            "secRoleId": of_staff("Role, in a newer Juno"),
            "inclusive": of_staff("Whether it gives or takes, in a newer Juno"),
            "deleted_at": Holds("When it was removed, in a newer Juno"),
        },
    ),
    "secRole": EmrTable(
        "Roles that inherit from others, in a newer Juno.",
        {
            "role_no": of_staff("Role"),
            "role_name": of_staff("Its name"),
            "parent_sec_role_id": of_staff("Role that it inherits from"),
            "deleted_at": Holds("When it was removed"),
        },
    ),
    "demographicSets": EmrTable(
        "Lists of patients that are closed to single providers, in a Juno.",
        {
            "demographic_no": _PATIENT,
            "set_name": of_patient("List"),
            "archive": Holds("Whether the patient was taken off"),
        },
    ),
    "secDemographicSet": EmrTable(
        "Which providers such lists are closed to.",
        {
            "provider_id": _PROVIDER,
            "set_name": of_patient("List"),
            "set_type": Holds("Whether it closes"),
            "deleted_at": Holds("When it was removed"),
        },
    ),
    "security": EmrTable(
        "Accounts, read where users sign in with a password here: sign_in = password, or in the embedded EMR.",
        {
            "security_no": of_staff("Account, by number"),
            "user_name": of_staff("Name to sign in with"),
            "password": of_staff("Password, as a hash"),
            "pin": of_staff("PIN, as a hash"),
            "provider_no": _PROVIDER,
            "b_ExpireSet": of_staff("Whether the account expires"),
            "date_ExpireDate": of_staff("When it expires"),
            "b_LocalLockSet": of_staff("Whether the PIN is asked for inside of the clinic"),
            "b_RemoteLockSet": of_staff("Whether the PIN is asked for outside"),
            "forcePasswordReset": of_staff("Whether the password must be changed"),
            "usingMfa": of_staff("Whether a second factor is used"),
        },
    ),
    _LOG: EmrTable(
        "The EMR's own log. Rows are added, none is changed.",
        {
            "dateTime": Holds("When"),
            "provider_no": of_staff("User, or FHIR client"),
            "action": Holds("What was done"),
            "content": Holds("To what kind of thing"),
            "contentId": Holds("To which one"),
            "ip": of_staff("Network address"),
            "demographic_no": _PATIENT,
            "data": of_patient("Details, with record numbers; no names and no PHN"),
        },
    ),
}

# Next to the plugin's tables.
OF_HOST: Final = {
    own_session: TableHolds(
        "Sessions of users who have signed in here with a password.",
        {
            "token_hash": Holds("SHA-256 of the token in the cookie, which is kept nowhere"),
            "account_id": of_staff("Account of the EMR, by number"),
            "seal": Holds("Hash that ends the session when password or PIN change; neither can be read from it"),
            "began_at": of_staff("When the user signed in"),
            "seen_at": of_staff("When the session was last used"),
        },
    )
}


def section(host: OscarHost) -> PackSection:
    """The tables as they are in this EMR. Reads no row."""
    return PackSection(
        "Tables of the EMR",
        StatementSource.BOTH,
        list(_grids(host.tables, host)),
        "All are read, and only the log is added to. No other table and no other column of the EMR is used.",
    )


def _grids(tables: Tables, host: OscarHost) -> Iterator[Grid]:
    there = column_types(host.database.engine, tables)
    for name, table in EMR_TABLES.items():
        types = there.get(name, {})
        rows = []
        for column, holds in table.columns.items():
            here = types[column.lower()].compile(host.database.engine.dialect) if column.lower() in types else _NOT_HERE
            rows.append((column, here, holds.about.value, holds.text))
        yield Grid(f"{name}: {table.purpose}", ("Column", IN_THIS_SYSTEM, "About", "Holds"), rows)
