"""Records merged away: out of `patients`, in `merged`, and their visits with the record kept."""

from datetime import date, datetime, time

import pytest
from sqlalchemy import select

from .bench import Bench, NewPatient, NewProvider, NewVisit
from .reading import last_visit, patient_row


def _chain(bench: Bench) -> tuple[int, int, int]:
    """Three records: the first merged into the second, and that into the third."""
    first, second, third = (bench.patient(NewPatient(family_name=name)) for name in ("First", "Second", "Third"))
    bench.merge(first, second)
    bench.merge(second, third)
    return first, second, third


def test_a_record_merged_away_is_no_patient_and_the_one_kept_is(bench: Bench) -> None:
    first, second, third = _chain(bench)
    present = [patient_row(bench.host, patient_id) is not None for patient_id in (first, second, third)]
    assert present == [False, False, True]


def test_merged_leads_to_the_end_of_a_chain(bench: Bench) -> None:
    first, second, third = _chain(bench)
    merged = bench.host.roster.merged()
    query = select(merged.c.retired_id, merged.c.kept_id).where(merged.c.retired_id.in_([first, second]))
    with bench.host.database.engine.connect() as connection:
        rows = sorted(tuple(row) for row in connection.execute(query))
    assert rows == [(first, third), (second, third)], "one row for each record merged away, with the record kept"


def test_the_visits_of_records_merged_away_count_for_the_one_kept(bench: Bench) -> None:
    first, second, third = _chain(bench)
    doctor = bench.provider(NewProvider())
    noon = datetime(2026, 11, 10, 12, tzinfo=bench.host.clock.zone)
    for patient_id, day, latest in (
        (third, date(2026, 4, 4), "2026-04-04"),
        (second, date(2026, 5, 5), "2026-05-05"),
        (first, date(2026, 6, 6), "2026-06-06"),
    ):
        bench.visit(NewVisit(patient_id=patient_id, provider_id=doctor, day=day, time=time(9)))
        assert last_visit(bench.host, third, noon) == latest, "the whole chain of merges counts"


def test_the_phn_of_a_record_merged_away_leads_to_the_end_of_a_chain(bench: Bench) -> None:
    first, second, third = (bench.patient(NewPatient(phn=phn)) for phn in ("123 456\u2013789", None, "234567891"))
    bench.merge(first, second)
    bench.merge(second, third)
    numbers = bench.host.roster.merged_phns()
    if numbers is None:
        pytest.skip("this host cannot tell the PHNs of records merged away")
    query = select(numbers.c.retired_id, numbers.c.kept_id, numbers.c.phn)
    with bench.host.database.engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(query) if row.kept_id in (first, second, third)]
    assert rows == [(first, third, "123456789")], "those merged away that have a PHN, each once, as `patients` gives it"


def test_a_record_that_was_never_merged_is_not_in_merged(bench: Bench) -> None:
    patient_id, merged = bench.patient(NewPatient()), bench.host.roster.merged()
    with bench.host.database.engine.connect() as connection:
        rows = connection.execute(select(merged.c.kept_id).where(merged.c.retired_id == patient_id)).all()
    assert rows == []
