"""Clinics on one MariaDB with databases of their own: copies of one made by the migrations, with invented patients."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from statistics import NormalDist

from sqlalchemy import Connection, NullPool, create_engine, text

from oscar_host.host import OscarHost

from .big_clinic import PANEL_ID, fill, join, more_panels

CLINICS, PANELS, MEMBERS = 909, 2724, 2_900_000  # of Alberta
LARGEST, SMALLEST = 5000, 150
_MEDIAN, _SPREAD = 950, 0.47
_COPIED_SCHEMAS = ("cpar", "oscar")


@dataclass(frozen=True)
class ProvinceClinic:
    """A clinic of the benchmark: its name, and how many members each of its panels has."""

    name: str
    panels: tuple[int, ...]


def province(share: float) -> list[ProvinceClinic]:
    """So many of the province's clinics: sizes of panels by a log-normal law, one in a hundred the largest."""
    clinics, panels = max(round(CLINICS * share), 3), max(round(PANELS * share), 9)
    sizes = [_size((place + 0.5) / panels) for place in range(panels)]
    sizes[-max(panels // 100, 1) :] = [LARGEST] * max(panels // 100, 1)
    # By turns, so that each clinic has large and small ones.
    return [ProvinceClinic(f"clinic-{number:04}", tuple(sizes[number::clinics])) for number in range(clinics)]


def _size(quantile: float) -> int:
    size = round(_MEDIAN * exp(_SPREAD * NormalDist().inv_cdf(quantile)))
    return min(max(size, SMALLEST), LARGEST)


def make(template: OscarHost, clinics: Sequence[ProvinceClinic], folder: Callable[[ProvinceClinic], Path]) -> None:
    """Databases and settings files of the clinics. The host's databases become the ones that are copied.

    A clinic that has its file is whole, and stays. The host is filled for the largest clinic of all, once.
    """
    missing = [clinic for clinic in clinics if not _file(folder, clinic).exists()]
    most_panels = max(len(clinic.panels) for clinic in clinics)
    most_members = max(sum(clinic.panels) for clinic in clinics)
    url = template.database.engine.url
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        filled = connection.exec_driver_sql("SELECT COUNT(*) FROM cpar.cpar_member").scalar_one()
    if filled not in (0, most_members):
        sys.exit("This folder has the clinics of another province, or of one that was not filled: name another one.")
    if not filled:
        fill(template, most_members)
        if most_panels > 1:
            more_panels(template, most_panels)
        join(template, range(1, most_members + 1))
    with engine.connect() as connection:
        tables = {schema: _tables(connection, schema) for schema in _COPIED_SCHEMAS}
        connection.exec_driver_sql("SET foreign_key_checks = 0")
        for clinic in missing:
            own = clinic.name.replace("-", "_")
            for schema in _COPIED_SCHEMAS:
                character_set = "utf8mb3" if schema == "oscar" else "utf8mb4"
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {schema}_{own}")
                connection.exec_driver_sql(f"CREATE DATABASE {schema}_{own} CHARACTER SET {character_set}")
                connection.exec_driver_sql(f"USE {schema}_{own}")
                for name, (statement, has_rows) in tables[schema].items():
                    connection.exec_driver_sql(statement.replace("%", "%%"))
                    if has_rows:
                        connection.execute(text(_copied(clinic, schema, name)))
            _file(folder, clinic).write_text(
                "[cpar]\n"
                f"database_url = {url.set(database=f'cpar_{own}').render_as_string(hide_password=False)}\n"
                f"host_schema = oscar_{own}\n",
                encoding="utf-8",
            )
        connection.exec_driver_sql("SET foreign_key_checks = 1")
    engine.dispose()


def _file(folder: Callable[[ProvinceClinic], Path], clinic: ProvinceClinic) -> Path:
    return folder(clinic) / f"{clinic.name}.ini"


def _tables(connection: Connection, schema: str) -> dict[str, tuple[str, bool]]:
    """What makes each table of the schema, and whether it has rows."""
    names = connection.exec_driver_sql(f"SHOW TABLES FROM {schema}").scalars().all()
    return {
        name: (
            connection.exec_driver_sql(f"SHOW CREATE TABLE {schema}.`{name}`").one()[1],
            bool(connection.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {schema}.`{name}`)").scalar_one()),
        )
        for name in names
    }


def _copied(clinic: ProvinceClinic, schema: str, table: str) -> str:
    """What of the template's rows is the clinic's: its patients, and each on its panel."""
    last, panels = sum(clinic.panels), len(clinic.panels)
    condition = {
        "demographic": f"demographic_no <= {last}",
        "appointment": f"demographic_no <= {last}",
        "cpar_member": f"patient_id <= {last}",
        "cpar_panel": f"panel_id <= {panels}",
        "cpar_panel_facility": f"panel_id <= {panels}",
        "cpar_panel_provider": f"panel_id <= {panels}",
    }.get(table, "1 = 1")
    rows = f"INSERT INTO `{table}` SELECT * FROM {schema}.`{table}` WHERE {condition}"
    if table != "cpar_member":
        return rows
    first, cases = 1, ""
    for number, size in enumerate(clinic.panels):
        cases += f" WHEN patient_id < {first + size} THEN {PANEL_ID + number}"
        first += size
    columns = "patient_id, panel_id, since, confirmed_on, confirmed_how"
    return (
        f"INSERT INTO `{table}` ({columns}) SELECT {columns.replace('panel_id', f'CASE{cases} END')} "
        f"FROM {schema}.`{table}` WHERE {condition}"
    )
