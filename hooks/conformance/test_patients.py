"""`Roster.patients`, `with_phn`, `with_phns`, `with_mrp` and `shared_phns`: who the patients are."""

from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import RowMapping, String, bindparam, func, insert, literal, select

from .. import RosterByMrp, StatusKind
from .bench import Bench, NewPatient, NewProvider
from .reading import RECORD, patient_row, plugin_table

COLUMNS = {"patient_id", *RECORD, "mrp_id"}


def _new_row(bench: Bench, **texts: Any) -> RowMapping:
    row = patient_row(bench.host, bench.patient(NewPatient(**texts)))
    assert row, "a patient who has just been entered is in patients()"
    return row


def _some_phn() -> str:
    return str(uuid4().int)[:9]


def _spellings(phn: str) -> tuple[str, ...]:
    return phn, f"{phn[:5]}-{phn[5:]}", f" {phn[:4]} {phn[4:]}", f"{phn[:5]}\u2013{phn[5:]}", f"\u200b{phn}\u00a0"


def test_patients_has_every_agreed_column(bench: Bench) -> None:
    assert set(bench.host.roster.patients().c.keys()) >= COLUMNS


def test_a_patient_has_a_whole_number_and_is_one_row(bench: Bench) -> None:
    patient_id = bench.patient(NewPatient(family_name="Abel"))
    patient = bench.host.roster.patients()
    query = select(patient.c.patient_id).where(patient.c.patient_id == patient_id)
    with bench.host.database.engine.connect() as connection:
        numbers = connection.scalars(query).all()
    assert [(type(number), number) for number in numbers] == [(int, patient_id)]


def test_names_are_those_that_were_entered(bench: Bench) -> None:
    names = {"family_name": "Côté", "given_name": "Anne-Marie", "middle_names": "Zoë", "preferred_name": "Ami"}
    row = _new_row(bench, **names)
    assert {name: row.get(name, names[name]) for name in names} == names


def test_a_missing_text_is_null_and_never_empty(bench: Bench) -> None:
    row = _new_row(bench)
    by_rules_of_their_own = ("patient_id", "phn_jurisdiction", "coverage_start", "coverage_end")
    others = {name: text for name, text in row.items() if name not in by_rules_of_their_own}
    assert {name: text for name, text in others.items() if text is not None} == {}


def test_a_phn_is_given_without_separators(bench: Bench) -> None:
    for phn in ("12345-6789 ", "12345\u20136789", "12345\u00a06789", "\u200b123456789\t"):
        assert _new_row(bench, phn=phn, phn_jurisdiction="AB")["phn"] == "123456789", (
            "blanks, dashes of any kind and what cannot be seen separate digits and say nothing"
        )


def test_the_jurisdiction_of_a_phn_is_its_code(bench: Bench) -> None:
    codes = [_new_row(bench, phn=_some_phn(), phn_jurisdiction=code)["phn_jurisdiction"] for code in ("AB", "BC")]
    assert codes == ["AB", "BC"]


def test_a_phn_without_a_known_jurisdiction_says_so(bench: Bench) -> None:
    """NULL would say that the host keeps no card types: then such a number counts as one of Alberta's."""
    assert _new_row(bench, phn=_some_phn())["phn_jurisdiction"] == "unknown"


def test_names_are_without_what_cannot_be_seen(bench: Bench) -> None:
    """Zero-width and bidirectional characters go; tabs, line breaks and no-break blanks are spaces."""
    pasted = "\u202eO\u200bBrien\u202c\tAnne\u00a0Marie\r\n"
    row = _new_row(bench, family_name=pasted, given_name=pasted)
    names = {row[name].casefold() for name in ("family_name", "given_name") if row[name]}
    assert names == {"obrien anne marie"}, "omit invisible characters, and turn other blanks into spaces"


def test_a_birth_date_is_iso_text(bench: Bench) -> None:
    assert _new_row(bench, birth_date="1980-02-03")["birth_date"] == "1980-02-03"


def _covered(bench: Bench, **texts: Any) -> RowMapping:
    if "coverage_end" not in bench.host.roster.patients().c:
        pytest.skip("this host keeps no dates of coverage")
    return _new_row(bench, **texts)


def test_the_days_of_coverage_are_iso_texts(bench: Bench) -> None:
    days = {"coverage_start": "2020-01-31", "coverage_end": "2027-02-03"}
    row = _covered(bench, **days)
    assert {name: row.get(name, day) for name, day in days.items()} == days


def test_a_day_of_coverage_that_no_one_has_entered_is_null(bench: Bench) -> None:
    row = _covered(bench)
    assert (row.get("coverage_start"), row["coverage_end"]) == (None, None)


def test_the_version_of_a_card_is_the_one_that_was_entered(bench: Bench) -> None:
    if "card_version" not in bench.host.roster.patients().c:
        pytest.skip("this host keeps no versions of cards")
    assert _new_row(bench, card_version="AB")["card_version"] == "AB"


def test_the_gender_is_the_one_that_was_entered(bench: Bench) -> None:
    assert [_new_row(bench, gender=code)["gender"] for code in ("F", "M")] == ["F", "M"]


def test_the_active_status_is_that_of_an_active_patient_and_has_a_label(bench: Bench) -> None:
    roster = bench.host.roster
    assert _new_row(bench, status=roster.active_status)["status"] == roster.active_status
    assert roster.active_status in roster.status_labels, "status_labels says what the active status is called"


def test_the_known_statuses_have_kinds_and_only_the_active_one_is_active(bench: Bench) -> None:
    roster = bench.host.roster
    active = [status for status, kind in roster.status_kinds.items() if kind is StatusKind.ACTIVE]
    assert active == [roster.active_status], "active_status, and no other, is of the kind active"


def test_fields_are_called_by_the_names_of_columns(bench: Bench) -> None:
    roster = bench.host.roster
    columns = {column.name for column in roster.patients().c}
    assert set(roster.field_labels) <= columns, "field_labels has what the pages call the columns of patients()"
    assert all(label.strip() for label in roster.field_labels.values())


def test_patients_who_are_not_active_are_there_too(bench: Bench) -> None:
    roster = bench.host.roster
    others = [status for status in roster.status_labels if status != roster.active_status]
    assert others, "status_labels names at least one other status"
    for status in others:
        patient_id = bench.patient(NewPatient(status=status))
        row = patient_row(bench.host, patient_id)
        assert row, f"the plugin itself asks for active patients: patients() holds those with status {status} too"
        assert row["status"] == status


def test_the_mrp_of_a_patient_is_one_of_the_providers(bench: Bench) -> None:
    provider_id = bench.provider(NewProvider())
    row = _new_row(bench, mrp_id=provider_id)
    assert row["mrp_id"] == provider_id
    patient, provider = bench.host.roster.patients(), bench.host.roster.providers()
    query = select(provider.c.provider_id).join(patient, patient.c.mrp_id == provider.c.provider_id)
    with bench.host.database.engine.connect() as connection:
        assert connection.scalars(query.where(patient.c.patient_id == row["patient_id"])).all() == [provider_id]


def test_the_patients_of_an_mrp_are_those_who_have_it(bench: Bench) -> None:
    roster = bench.host.roster
    if not isinstance(roster, RosterByMrp):
        return  # a host may go without it
    doctor, other = bench.provider(NewProvider()), bench.provider(NewProvider())
    of_doctor = {bench.patient(NewPatient(mrp_id=doctor)) for _ in range(2)}
    bench.patient(NewPatient(mrp_id=other))
    with bench.host.database.engine.connect() as connection:
        assert set(connection.scalars(roster.with_mrp(doctor))) == of_doctor


def test_texts_compare_letter_by_letter_with_those_of_a_plugin(bench: Bench) -> None:
    host, provider_id, status = bench.host, bench.provider(NewProvider()), bench.host.roster.active_status
    patient_id = bench.patient(NewPatient(mrp_id=provider_id, status=status))
    texts = [provider_id, *dict.fromkeys((status, status.upper(), status.lower()))]
    with plugin_table(host) as table:
        with host.database.session() as session:
            session.execute(insert(table), [{"number": number, "name": name} for number, name in enumerate(texts)])
        patient, provider = host.roster.patients(), host.roster.providers()
        ids = select(table.c.name).join(provider, provider.c.provider_id == table.c.name)
        statuses = select(table.c.name).where(patient.c.patient_id == patient_id)
        with host.database.engine.connect() as connection:
            assert provider_id in connection.scalars(ids).all(), "a provider_id is text, not a number"
            for same in (patient.c.status == table.c.name, table.c.name == patient.c.status):
                matches = connection.scalars(statuses.where(same)).all()
                assert matches == [status], (
                    "capitals and small letters differ: pin the collation (MariaDB: utf8mb4_bin)"
                )


def test_patients_can_be_stored_and_reused(bench: Bench) -> None:
    patients = bench.host.roster.patients()
    new_id = bench.patient(NewPatient())
    with bench.host.database.engine.connect() as connection:
        patient_id = connection.scalar(select(patients.c.patient_id).where(patients.c.patient_id == new_id))
    assert patient_id == new_id, "what patients() returns is a query, not the patients of a moment"


def test_patients_can_be_used_twice_in_one_statement(bench: Bench) -> None:
    doctor = bench.provider(NewProvider())
    patients = sorted(bench.patient(NewPatient(mrp_id=doctor)) for _ in range(2))
    first, second = bench.host.roster.patients().alias("one"), bench.host.roster.patients().alias("other")
    pairs = select(first.c.patient_id, second.c.patient_id).join_from(first, second, first.c.mrp_id == second.c.mrp_id)
    pairs = pairs.where(first.c.mrp_id == doctor, first.c.patient_id < second.c.patient_id)
    with bench.host.database.engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(pairs)] == [tuple(patients)]


def test_a_session_for_writing_reads_the_patients_too(bench: Bench) -> None:
    """A bulk update is one INSERT ... SELECT."""
    host, doctor = bench.host, bench.provider(NewProvider())
    patient_id = bench.patient(NewPatient(mrp_id=doctor))
    with plugin_table(host) as table:
        patient = host.roster.patients()
        values = select(patient.c.patient_id, patient.c.mrp_id).where(patient.c.patient_id == patient_id)
        with host.database.session() as session:
            session.execute(insert(table).from_select(["number", "name"], values))
        query = select(func.count()).join_from(table, patient, patient.c.patient_id == table.c.number)
        with host.database.engine.connect() as connection:
            assert connection.scalar(query.where(patient.c.mrp_id == table.c.name)) == 1


def test_a_phn_finds_all_patients_with_it_and_no_others(bench: Bench) -> None:
    phn = _some_phn()
    patient_ids = {bench.patient(NewPatient(phn=text)) for text in _spellings(phn)}
    for other_phn in (f"{phn}1", phn[:-1], None):
        bench.patient(NewPatient(phn=other_phn))
    patient = bench.host.roster.patients()
    with bench.host.database.engine.connect() as connection:
        for expression in (literal(phn), bindparam("phn", type_=String)):
            query = select(patient.c.patient_id).where(patient.c.patient_id.in_(bench.host.roster.with_phn(expression)))
            assert set(connection.scalars(query, {"phn": phn})) == patient_ids


def test_some_phns_find_all_patients_with_one_of_them_and_no_others(bench: Bench) -> None:
    phns = [_some_phn(), _some_phn()]
    patient_ids = {bench.patient(NewPatient(phn=text)) for phn in phns for text in _spellings(phn)}
    for other_phn in (_some_phn(), f"{phns[0]}1", phns[0][:-1], None):
        bench.patient(NewPatient(phn=other_phn))
    patient = bench.host.roster.patients()
    query = select(patient.c.patient_id).where(patient.c.patient_id.in_(bench.host.roster.with_phns(phns)))
    with bench.host.database.engine.connect() as connection:
        assert set(connection.scalars(query)) == patient_ids


def test_phns_that_another_patient_has_too_are_named_however_they_are_typed(bench: Bench) -> None:
    doctor, ways = bench.provider(NewProvider()), range(len(_spellings("")))
    pairs = list(product(ways, ways))
    phns = {_some_phn() for _ in pairs}
    for phn, (mine, theirs) in zip(phns, pairs, strict=True):
        bench.patient(NewPatient(phn=_spellings(phn)[mine], mrp_id=doctor))
        bench.patient(NewPatient(phn=_spellings(phn)[theirs]))
    patient = bench.host.roster.patients()
    ids = select(patient.c.patient_id).where(patient.c.mrp_id == doctor)
    with bench.host.database.engine.connect() as connection:
        shared = set(connection.scalars(bench.host.roster.shared_phns(ids)))
    assert shared >= phns, "name every number that one of these patients and another one have"
