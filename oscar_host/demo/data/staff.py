"""The people who work at the invented clinic, how they sign in, and what they may do."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

import bcrypt
from sqlalchemy import Table

from oscar_host.schema import Tables

Row = dict[str, str | int | None]

PASSWORD = "Foothills-2026"  # noqa: S105 - invented, and shown by the demo
_BCRYPT_ROUNDS = 10  # as OSCAR itself

SYSTEM = "-1"
DOCTORS = ("101", "102", "103", "104", "105", "106")  # in practice; the last one without a Practitioner ID
FORMER_DOCTOR = "107"
NURSE = "201"
NO_PROVIDER = "555"  # no provider has this number

_PROVIDERS = (
    # provider_no, last_name, first_name, provider_type, ohip_no (Practitioner ID), practitionerNo (licence), status
    (SYSTEM, "System", "System", "doctor", "", "", "1"),
    ("101", "Okafor", "Adaeze", "doctor", "000000101", "A-10101", "1"),
    ("102", "Tremblay", "Hélène", "doctor", "0000-00102", "A-10102", "1"),
    ("103", "Sandhu", "Gurpreet", "doctor", "000000103", "A-10103", "1"),
    ("104", "O'Brien", "Declan", "doctor", "000000104", "A-10104", None),
    ("105", "Kowalchuk", "Bohdan", "doctor", "000000105", "A-10105", "1"),
    ("106", "Nguyễn", "Linh", "doctor", "", "A-10106", "1"),
    (FORMER_DOCTOR, "Featherstone", "Harold", "doctor", "000000107", "A-10107", "0"),
    (NURSE, "Littlechild", "Winter", "nurse", "", "", "1"),
    ("301", "Santos", "Maricel", "receptionist", "", "", "1"),
    ("401", "Penner", "Ruth", "admin", "", "", "1"),
    ("402", "Brar", "Simran", "billing", "", "", "1"),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Someone who can sign in to the demo, with the roles of OSCAR. The password is `PASSWORD` for everyone."""

    user_name: str
    provider_no: str
    roles: tuple[str, ...]
    may: str


SIGN_INS = (
    SignIn("admin", "401", ("admin", "doctor"), "see patients and manage panels"),
    SignIn("doctor", "101", ("doctor",), "see patients, choose and confirm their panels"),
    SignIn("reception", "301", ("receptionist",), "see patients, choose and confirm their panels"),
    SignIn("nurse", NURSE, ("nurse", "Panel Management"), "see patients and, by the CPAR role, manage panels"),
    SignIn("nobody", "402", ("billing",), "sign in, and nothing else"),
)

_CLINIC: Row = {
    "clinic_no": 1,
    "clinic_name": "Saskatoonberry Family Clinic",
    "clinic_address": "1 Chickadee Crescent",
    "clinic_city": "Red Deer",
    "clinic_postal": "T0X 0X0",
    "clinic_phone": "403-555-0100",
    "clinic_province": "AB",
}
_ROLES = (
    ("admin", "Administrator"),
    ("doctor", "Physician"),
    ("nurse", "Nurse"),
    ("receptionist", "Front desk"),
    ("billing", "Billing clerk"),  # without a right here: no one signs in to OSCAR without a role
    ("Panel Management", "Access to CPAR Panel Management"),
)
_OBJECTS = (
    ("_demographic", "Patient records"),
    ("_appointment", "Appointments"),
    ("_admin", "Administration"),
    ("_admin.resource", "Administration: resources"),
    ("_admin.cpar", "CONFIGURE_CPAR_PANEL_CREATE"),
)
_PRIVILEGES = (("x", "All"), ("r", "Read"), ("w", "Write"), ("d", "Delete"), ("o", "No rights"), ("u", "Update"))
_GRANTS = (
    ("admin", "_admin", "x"),
    ("admin", "_admin.resource", "x"),
    ("doctor", "_demographic", "x"),
    ("doctor", "_appointment", "x"),
    ("nurse", "_demographic", "x"),
    ("nurse", "_appointment", "x"),
    ("receptionist", "_demographic", "x"),
    ("receptionist", "_appointment", "x"),
    ("Panel Management", "_admin.resource", "r"),
    ("Panel Management", "_admin.cpar", "x"),
)


def staff(tables: Tables, seed: int, as_of: date) -> Iterator[tuple[Table, str, list[Row]]]:
    """The clinic's own rows: a table, its columns that show whether a row already exists, rows of equal keys."""
    changed = f"{as_of} 00:00:00"
    yield tables.clinic, "clinic_no", [_CLINIC]
    yield tables.provider, "provider_no", [_provider(*facts) | {"lastUpdateDate": changed} for facts in _PROVIDERS]
    yield tables.role, "role_name", [{"role_name": name, "description": text} for name, text in _ROLES]
    yield tables.object_name, "objectName", [{"objectName": name, "description": text} for name, text in _OBJECTS]
    yield tables.privilege, "privilege", [{"privilege": name, "description": text} for name, text in _PRIVILEGES]
    yield (
        tables.object_privilege,
        "roleUserGroup objectName",
        [
            {"roleUserGroup": role, "objectName": name, "privilege": letter, "priority": 0, "provider_no": SYSTEM}
            for role, name, letter in _GRANTS
        ],
    )
    yield (
        tables.user_role,
        "provider_no role_name",
        [
            {"provider_no": person.provider_no, "role_name": role, "activeyn": 1, "lastUpdateDate": changed}
            for person in SIGN_INS
            for role in person.roles
        ],
    )
    yield tables.security, "user_name", [_security(person, seed) for person in SIGN_INS]


def _provider(
    number: str, family: str, given_name: str, kind: str, identifier: str, licence: str, status: str | None
) -> Row:
    return {
        "provider_no": number,
        "last_name": family,
        "first_name": given_name,
        "provider_type": kind,
        "ohip_no": identifier,
        "practitionerNo": licence,
        "billing_no": "",
        "status": status,
    }


def _security(person: SignIn, seed: int) -> Row:
    return {
        "user_name": person.user_name,
        "password": _stored_password(f"{seed} {person.user_name}"),
        "provider_no": person.provider_no,
        "pin": "",
        "b_ExpireSet": 0,
        "b_LocalLockSet": 0,
        "b_RemoteLockSet": 0,
        "forcePasswordReset": 0,
        "usingMfa": 0,
    }


@cache
def _stored_password(text: str) -> str:
    """The same for the same text. It takes a while, as it must."""
    return "{bcrypt}" + bcrypt.hashpw(PASSWORD.encode(), _salt(text)).decode()


def _salt(text: str) -> bytes:
    """A salt that is the same for the same text, since the same seed makes the same rows."""
    letters = base64.b64encode(hashlib.sha256(text.encode()).digest(), altchars=b"./")[:21]
    return b"$2a$%02d$%se" % (_BCRYPT_ROUNDS, letters)
