"""`RosterWithStoredTexts`: patients as they are stored are those of `Roster.patients`. A host may go without it."""

from typing import Any

from sqlalchemy import RowMapping, select

from .. import RosterWithStoredTexts, StoredPatients
from .bench import Bench, NewPatient
from .reading import RECORD, patient_row

SOME = (
    NewPatient(),
    NewPatient(family_name="Abel", given_name="Anne", middle_names="Zoë", preferred_name="Ami"),
    NewPatient(family_name="\u200b", phn="12345-6789 ", phn_jurisdiction="AB", gender="f", birth_date="2000-02-29"),
)
BEGINNINGS = {"cote": ("Cote", "CÔTÉ", "Côté-Roy", "coteau"), "o": ("O'Neil", "Ö", "Owens"), "zq": ("Zq",)}


def _stored(bench: Bench) -> StoredPatients | None:
    roster = bench.host.roster
    return roster.stored_patients() if isinstance(roster, RosterWithStoredTexts) else None


def _expected(bench: Bench, patient_id: int) -> RowMapping:
    row = patient_row(bench.host, patient_id)
    assert row, "a patient who has just been entered is in patients()"
    return row


def test_stored_texts_become_what_patients_have_in_sql_and_in_python(bench: Bench) -> None:
    stored = _stored(bench)
    if stored is None:
        return
    names = ("patient_id", *RECORD)
    columns = [stored.columns[name].label(f"made_{name}") for name in names]
    texts: list[Any] = [stored.rows.c[name].label(f"stored_{place}") for place, name in enumerate(stored.texts)]
    for patient_id in [bench.patient(one) for one in SOME]:
        row = _expected(bench, patient_id)
        query = select(*columns, *texts).where(stored.rows.c.patient_id == patient_id)
        with bench.host.database.engine.connect() as connection:
            one = connection.execute(query).one()
        assert list(one[: len(names)]) == [row[name] for name in names]
        assert list(stored.record(one[len(names) :])) == [row[name] for name in RECORD]


def test_no_family_name_is_missed_by_its_beginning(bench: Bench) -> None:
    stored = _stored(bench)
    if stored is None:
        return
    for letters, names in BEGINNINGS.items():
        possible = stored.family_begins(letters)
        if possible is None:
            continue
        meant = {bench.patient(NewPatient(family_name=name)) for name in names}
        query = select(stored.rows.c.patient_id).where(possible)
        with bench.host.database.engine.connect() as connection:
            assert meant <= set(connection.scalars(query)), "whatever the case and accents of the name"
