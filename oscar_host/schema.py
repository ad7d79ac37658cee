"""The tables of an OSCAR-family EMR that we read, or write in the embedded EMR.

Keys and types are those of Open-O, in OSCAR's own words. Forks differ: what a query takes from a column that some of
them lack goes through `Present`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sqlalchemy import (
    CHAR,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    text,
)
from sqlalchemy.dialects.mysql import CHAR as MYSQL_CHAR
from sqlalchemy.dialects.sqlite import TIME as SQLITE_TIME

# Without microseconds, as text in other programs' files has none: times are compared as text on SQLite.
_SECONDS = Time().with_variant(
    SQLITE_TIME(storage_format="%(hour)02d:%(minute)02d:%(second)02d"),  # type: ignore[no-untyped-call]
    "sqlite",
)
_EXACT_2 = CHAR(2).with_variant(MYSQL_CHAR(2, charset="utf8mb3", collation="utf8mb3_bin"), "mysql", "mariadb")


@dataclass(frozen=True)
class Tables:
    """OSCAR's tables, all in the schema that they were made for."""

    demographic: Table
    demographic_merged: Table
    provider: Table
    appointment: Table
    appointment_status: Table
    security: Table
    role: Table
    user_role: Table
    object_name: Table
    privilege: Table
    object_privilege: Table
    log: Table
    clinic: Table
    patient_set: Table
    closed_set: Table

    @property
    def metadata(self) -> MetaData:
        """What `create_all` and `drop_all` work on: not the tables that only Junos have."""
        return self.demographic.metadata


ANY_EMR: Final = "any_emr"  # stands for the name of OSCAR's database


@lru_cache(16)
def host_tables(schema: str | None = None) -> Tables:
    """OSCAR's tables in `schema` (on MariaDB the name of OSCAR's database), or in the connection's own database."""
    metadata = MetaData(schema=schema)
    juno = MetaData(schema=schema)
    return Tables(
        demographic=_demographic(metadata),
        demographic_merged=Table(
            "demographic_merged",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("demographic_no", Integer, nullable=False),  # the record merged away
            Column("merged_to", Integer, nullable=False),  # the one kept
            Column("deleted", SmallInteger, nullable=False, server_default=text("0")),
        ),
        provider=_provider(metadata),
        appointment=_appointment(metadata),
        appointment_status=Table(
            "appointment_status",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("status", CHAR(2), nullable=False),
            Column("description", CHAR(30), nullable=False),  # the clinic's own name for it
            Column("active", SmallInteger, nullable=False, server_default=text("1")),
        ),
        security=_security(metadata),
        role=Table(
            "secRole",
            metadata,
            Column("role_no", Integer, primary_key=True),
            Column("role_name", String(60), nullable=False, unique=True),
            Column("description", String(60)),
        ),
        user_role=Table(
            "secUserRole",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("provider_no", String(6), nullable=False, index=True),
            Column("role_name", String(30), nullable=False),
            Column("activeyn", Integer),  # OSCAR never consults it
            Column("lastUpdateDate", DateTime, nullable=False),
        ),
        object_name=Table(
            "secObjectName",
            metadata,
            Column("objectName", String(100), primary_key=True),
            Column("description", String(60)),
        ),
        privilege=Table(
            "secPrivilege",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("privilege", String(100), nullable=False),
            Column("description", String(80)),
        ),
        object_privilege=Table(
            "secObjPrivilege",
            metadata,
            Column("roleUserGroup", String(30), primary_key=True),  # a role's name, or a provider_no
            Column("objectName", String(100), primary_key=True),
            Column("privilege", String(100), nullable=False, server_default="|0|"),
            Column("priority", Integer, server_default=text("0")),
            Column("provider_no", String(6)),
        ),
        log=_log(metadata),
        clinic=Table(
            "clinic",
            metadata,
            Column("clinic_no", Integer, primary_key=True),
            Column("clinic_name", String(50)),
            Column("clinic_address", String(60)),
            Column("clinic_city", String(40)),
            Column("clinic_postal", String(15)),
            Column("clinic_phone", String(50)),
            Column("clinic_province", String(40)),
        ),
        patient_set=Table(
            "demographicSets",
            juno,
            Column("id", Integer, primary_key=True),
            Column("demographic_no", Integer),
            Column("set_name", String(20)),
            Column("archive", CHAR(1), server_default="0"),
        ),
        closed_set=Table(
            "secDemographicSet",
            juno,
            Column("id", Integer, primary_key=True),
            Column("provider_id", String(6), nullable=False),
            Column("set_name", String(20), nullable=False),
            Column("set_type", String(16), nullable=False),
            Column("deleted_at", DateTime),
        ),
    )


def _demographic(metadata: MetaData) -> Table:
    return Table(
        "demographic",
        metadata,
        Column("demographic_no", Integer, primary_key=True),
        Column("last_name", String(30), nullable=False, server_default=""),
        Column("first_name", String(30), nullable=False, server_default=""),
        Column("middleNames", String(100)),
        Column("middle_name", String(30), system=True),  # a Juno's: in no table that is made here
        Column("alias", String(70)),
        Column("pref_name", String(30)),
        Column("year_of_birth", String(4)),
        Column("month_of_birth", String(2)),
        Column("date_of_birth", String(2)),  # the day
        Column("sex", CHAR(1), nullable=False, server_default=""),
        Column("hin", String(20), index=True),
        Column("ver", CHAR(3)),
        Column("hc_type", String(20)),
        Column("eff_date", Date),  # 0000-00-00 where no one has entered one
        Column("hc_renew_date", Date),
        Column("provider_no", String(11)),  # the MRP
        Column("roster_status", String(20)),
        Column("patient_status", String(20)),
        Column("patient_status_date", Date),
        Column("chart_no", String(10)),
        Column("address", String(60)),
        Column("city", String(50)),
        Column("province", String(20)),
        Column("postal", String(9)),
        Column("phone", String(20)),
        Column("phone2", String(20)),
        Column("email", String(100)),
        Column("lastUpdateUser", String(6)),
        Column("lastUpdateDate", DateTime, nullable=False),
        Index("demographic_name", "last_name", "first_name"),
    )


def _provider(metadata: MetaData) -> Table:
    return Table(
        "provider",
        metadata,
        Column("provider_no", String(6), primary_key=True),
        Column("last_name", String(30), nullable=False, server_default=""),
        Column("first_name", String(30), nullable=False, server_default=""),
        Column("provider_type", String(15), nullable=False, server_default=""),
        Column("ohip_no", String(20)),  # in Alberta: the Practitioner ID
        Column("practitionerNo", String(20)),  # the licence
        Column("billing_no", String(20)),
        Column("status", CHAR(1)),
        Column("lastUpdateDate", DateTime, nullable=False),
    )


def _appointment(metadata: MetaData) -> Table:
    return Table(
        "appointment",
        metadata,
        Column("appointment_no", Integer, primary_key=True),
        Column("provider_no", String(6), nullable=False, server_default=""),
        Column("appointment_date", Date, nullable=False, server_default="0001-01-01"),
        Column("start_time", _SECONDS),
        Column("end_time", _SECONDS),
        Column("name", String(50)),
        Column("demographic_no", Integer, index=True),
        Column("notes", String(255)),
        Column("reason", String(80)),
        Column("type", String(50)),
        Column("status", _EXACT_2),
        Column("imported_status", String(20)),  # what another system called it
        Column("updatedatetime", DateTime),
        Index("appointment_date", "appointment_date", "start_time", "demographic_no"),
        Index("appointment_changed", "demographic_no", "updatedatetime"),
    )


def _security(metadata: MetaData) -> Table:
    return Table(
        "security",
        metadata,
        Column("security_no", Integer, primary_key=True),
        Column("user_name", String(30), nullable=False, unique=True),
        Column("password", String(255), nullable=False),
        Column("provider_no", String(6)),
        Column("pin", String(255)),
        Column("b_ExpireSet", SmallInteger),
        Column("date_ExpireDate", Date),
        Column("b_LocalLockSet", SmallInteger),
        Column("b_RemoteLockSet", SmallInteger),
        Column("forcePasswordReset", SmallInteger),
        Column("usingMfa", SmallInteger),
    )


def _log(metadata: MetaData) -> Table:
    return Table(
        "log",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("dateTime", DateTime, nullable=False),
        Column("provider_no", String(10)),
        Column("action", String(100)),
        Column("content", String(80)),
        Column("contentId", String(80)),
        Column("ip", String(64)),
        Column("demographic_no", Integer),
        Column("data", Text),
        Index("log_time", "dateTime"),
        Index("log_provider", "provider_no"),
    )
