"""Whether the tables are there with the columns that are read: the plugins' own and OSCAR's."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Column, String, and_, column, or_, select, table, text
from sqlalchemy.exc import DBAPIError

from cpar_plugin.hooks import Health, MigrationSource, Refused
from cpar_plugin.host_kit.database import MARIADB
from cpar_plugin.host_kit.migrations import Step, step_of

from .. import juno
from ..audit import NoAuditTrail
from ..host import OscarHost
from ..present import Present, present
from .rights import DENIED, Reading, error_number, needed, try_to_read

_TABLES: Final = table(
    "tables", column("table_schema"), column("table_name", String()), column("engine"), schema="information_schema"
)
_TRANSACTIONAL: Final = "InnoDB"
_EXACT: Final = "utf8mb4_bin"
_WHOLE: Final = "Grant SELECT on whole tables, not on single columns."
_ELSEWHERE: Final = "Check CPAR_HOST_SCHEMA, which names OSCAR's database"


def own_tables(host: OscarHost, sources: Sequence[MigrationSource]) -> Health:
    """Whether the plugins' tables are those of the installed package. Reads a row for each plugin."""
    steps = [step_of(host.database.engine, source) for source in sources]
    if Step.NONE in steps:
        return Health.failure("The plugins' tables do not exist.", "Run: cpar migrate")
    if Step.BEHIND in steps:
        return Health.failure("The plugins' tables are from an older version.", "Run: cpar migrate")
    if Step.AHEAD in steps:
        return Health.failure(
            "The plugins' tables are from a newer version than the one running.",
            "Install the newer package here too, and see that only one is installed.",
        )
    return Health.ok("The plugins' tables exist, in the installed version.")


def oscar_tables(host: OscarHost) -> Health:
    """Whether OSCAR's tables have what is read of them. Reads no row."""
    reading = try_to_read(host)
    missing = [name for name, result in reading.items() if result is Reading.NOT_THERE]
    merges = host.tables.demographic_merged.name
    if missing and missing != [merges]:
        details = "; ".join(f"{name} ({needed(host)[name][1]})" for name in missing)
        return Health.failure(f"These tables do not exist: {details}.", f"{_ELSEWHERE}.")
    try:
        existing = present(host.database.engine, host.tables)
    except Refused as refused:
        return Health.failure(str(refused), f"{_ELSEWHERE}.")
    except DBAPIError as error:
        if error_number(error) not in DENIED:
            raise
        return Health.failure("Some of OSCAR's tables may only be read in part.", _WHOLE)
    missing_columns = [
        f"{column.table.name}.{column.name}" for column in _required(host, existing) if not existing.has_column(column)
    ]
    if missing_columns:
        return Health.failure(
            f"These columns are not there, or may not be read: {', '.join(missing_columns)}.",
            f"{_ELSEWHERE}. {_WHOLE}",
        )
    without = [
        f"{column.name} ({loss})" for column, loss in _optional(host, existing) if not existing.has_column(column)
    ]
    without += [f"the table {merges} ({needed(host)[merges][1]})"] if missing else []
    details = f"This OSCAR has no {', no '.join(without)}." if without else ""
    essential = missing or not existing.has_column(host.tables.demographic.c.hc_type)
    if essential:
        return Health.warning(details, "Everything else works; if this matters, ask your OSCAR administrator.")
    return Health.ok(f"OSCAR's tables have everything required. {_of_juno(host, existing)}{details}".strip())


def _of_juno(host: OscarHost, existing: Present) -> str:
    if not existing.has_column(host.tables.demographic.c.middle_name):
        return ""
    newer = ", with its newer roles" if juno.is_newer(existing) else ""
    lists = ", with lists closed to single providers" if existing.has(host.tables.closed_set) else ""
    return f"This is a Juno{newer}{lists}. "


def _required(host: OscarHost, existing: Present) -> list[Column[object]]:
    record, visit, provider = host.tables.demographic.c, host.tables.appointment.c, host.tables.provider.c
    columns = [
        *(record.demographic_no, record.last_name, record.first_name, record.sex, record.hin, record.patient_status),
        *(record.year_of_birth, record.month_of_birth, record.date_of_birth, record.provider_no),
        *(visit.appointment_no, visit.demographic_no, visit.appointment_date, visit.start_time, visit.status),
        *(provider.provider_no, provider.last_name, provider.first_name, provider.ohip_no, provider.status),
        host.tables.user_role.c.provider_no,
    ]
    merge, right = host.tables.demographic_merged, host.tables.object_privilege.c
    if existing.has(merge):
        columns += [merge.c.id, merge.c.demographic_no, merge.c.merged_to, merge.c.deleted]
    if juno.is_newer(existing):  # its own tables of rights
        return [*columns, host.tables.role.c.role_no]
    return [*columns, host.tables.user_role.c.role_name, right.roleUserGroup, right.objectName, right.privilege]


def _optional(host: OscarHost, existing: Present) -> tuple[tuple[Column[object], str], ...]:
    record, provider = host.tables.demographic.c, host.tables.provider.c
    middle_names = record.middle_name if existing.has_column(record.middle_name) else record.middleNames
    return (
        (record.hc_type, "every health number counts as an Alberta PHN"),
        (record.hc_renew_date, "coverage is not watched"),
        (record.eff_date, "coverage that has not begun is not pointed out"),
        (middle_names, "middle names are not sent"),
        (record.pref_name, "preferred names are not pointed out"),
        (provider.practitionerNo, "provider licences are not sent"),
    )


def engines(host: OscarHost) -> Health:
    """Whether OSCAR's tables and ours can take a change back. Reads the names of tables."""
    engine = host.database.engine
    if engine.dialect.name not in MARIADB:
        return Health.ok("SQLite rolls back every unfinished change.")
    log, own_database = host.tables.log.name, engine.url.database
    names = [*needed(host), *([log] if not isinstance(host.audit, NoAuditTrail) else [])]
    query = (
        select(_TABLES.c.table_schema, _TABLES.c.table_name, _TABLES.c.engine)
        .where(
            _TABLES.c.engine != _TRANSACTIONAL,
            or_(
                and_(_TABLES.c.table_schema == own_database, _TABLES.c.table_name.startswith("cpar_", autoescape=True)),
                and_(
                    _TABLES.c.table_schema == (host.tables.metadata.schema or own_database),
                    _TABLES.c.table_name.in_(names),
                ),
            ),
        )
        .order_by(_TABLES.c.table_name)
    )
    with engine.connect() as connection:
        rows = [(f"{name} ({kind})", name) for _, name, kind in connection.execute(query)]
    if not rows:
        return Health.ok(f"OSCAR's tables and ours are {_TRANSACTIONAL}: a change is made completely or not at all.")
    labels = [label for label, name in rows if name.startswith("cpar_")]
    if labels:
        return Health.failure(
            f"Tables of the plugin are not {_TRANSACTIONAL}: {', '.join(labels)}. An interrupted change stays "
            "half done.",
            f"Restore the engine of each: ALTER TABLE ... ENGINE = {_TRANSACTIONAL};",
        )
    consequences = []
    if any(name == log for _, name in rows):
        consequences.append(f"a line stays in {log} although its change was rolled back")
    if any(name != log for _, name in rows):
        consequences.append(
            "while OSCAR changes several rows, a list may show some old and some new values, OSCAR's changes wait "
            "while such a table is read, and a single-transaction backup is not consistent"
        )
    return Health.warning(
        f"OSCAR tables are not {_TRANSACTIONAL}: {', '.join(label for label, _ in rows)}. Consequences: "
        f"{'; '.join(consequences)}.",
        f"Panels still work. Ask your OSCAR administrator whether to convert them: ALTER TABLE ... ENGINE = "
        f"{_TRANSACTIONAL}; takes a while; make a backup first.",
    )


def collations(host: OscarHost) -> Health:
    """Whether the plugins' texts are still compared letter by letter. Reads the names of columns."""
    engine = host.database.engine
    if engine.dialect.name not in MARIADB:
        return Health.ok("SQLite compares exactly.")
    query = text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :own "
        "AND table_name LIKE 'cpar\\_%' AND table_name NOT LIKE '%\\_version' AND collation_name <> :exact "
        "ORDER BY table_name, column_name"
    )
    own_database, schema = engine.url.database, host.tables.metadata.schema or engine.url.database
    oscar_query = text(
        "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = :oscar "
        "AND table_name IN ('demographic', 'provider', 'appointment') AND collation_name IS NOT NULL ORDER BY 1"
    )
    with engine.connect() as connection:
        changed = [
            f"{table}.{column}" for table, column in connection.execute(query, {"own": own_database, "exact": _EXACT})
        ]
        of_oscar = connection.scalars(oscar_query, {"oscar": schema}).all()
    if changed:
        return Health.failure(
            f"Columns of the plugin have a different collation than {_EXACT}: {', '.join(changed)}. Texts that "
            "differ only in case or accents are treated as equal there, or cannot be compared with OSCAR's.",
            "These tables were converted. Restore the type of the columns with ALTER TABLE ... MODIFY ... "
            f"CHARACTER SET utf8mb4 COLLATE {_EXACT}, or restore the database from a backup.",
        )
    return Health.ok(f"The plugin's are {_EXACT}; OSCAR's ({', '.join(of_oscar)}) are also compared exactly.")
