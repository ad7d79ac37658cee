"""Records merged away: out of the roster, their visits with the record kept."""

import datetime as dt
from itertools import pairwise

from sqlalchemy import select

from oscar_host.host import OscarHost


def merged(host: OscarHost) -> dict[int, int]:
    pairs = host.roster.merged()
    with host.database.engine.connect() as connection:
        rows = connection.execute(select(pairs.c.retired_id, pairs.c.kept_id)).all()
    assert len(dict(rows)) == len(rows), "one record kept for each retired one"
    return dict(rows)


def test_without_merges_there_are_none(host: OscarHost, oscar):
    oscar.patient()
    assert merged(host) == {}


def test_a_record_merged_away_is_not_in_the_roster_and_its_visits_are_the_kept_ones(
    host: OscarHost, oscar, last_visits
):
    retired, kept = oscar.patient(), oscar.patient()
    oscar.visit(retired, "2026-05-05")
    oscar.visit(kept, "2026-04-04")
    oscar.merge(retired, kept)
    assert last_visits() == {kept: dt.date(2026, 5, 5)}
    assert merged(host) == {retired: kept}


def test_the_kept_records_own_later_visit_wins(oscar, last_visits):
    retired, kept = oscar.patient(), oscar.patient()
    oscar.visit(retired, "2026-04-04")
    oscar.visit(kept, "2026-05-05")
    oscar.merge(retired, kept)
    assert last_visits() == {kept: dt.date(2026, 5, 5)}


def test_a_merge_taken_back_is_none(host: OscarHost, oscar, last_visits):
    one, other = oscar.patient(), oscar.patient()
    oscar.visit(one, "2026-05-05")
    oscar.merge(one, other, deleted=1)
    assert last_visits() == {one: dt.date(2026, 5, 5), other: None}
    assert merged(host) == {}


def test_a_chain_of_merges_ends_at_the_record_kept_however_long_it_is(host: OscarHost, oscar, last_visits):
    chain = [oscar.patient() for _ in range(30)]
    for retired, kept in pairwise(chain):
        oscar.merge(retired, kept)
    oscar.visit(chain[0], "2026-05-05")
    oscar.visit(chain[15], "2026-04-04")
    assert last_visits() == {chain[-1]: dt.date(2026, 5, 5)}
    assert merged(host) == dict.fromkeys(chain[:-1], chain[-1])


def test_several_records_merged_into_one_all_count(host: OscarHost, oscar, last_visits):
    one, two, kept = (oscar.patient() for _ in range(3))
    oscar.merge(one, kept)
    oscar.merge(two, kept)
    oscar.visit(one, "2026-05-05")
    oscar.visit(two, "2026-06-06")
    assert last_visits() == {kept: dt.date(2026, 6, 6)}
    assert merged(host) == {one: kept, two: kept}


def test_the_same_merge_entered_twice_is_one(host: OscarHost, oscar, last_visits):
    retired, kept = oscar.patient(), oscar.patient()
    oscar.merge(retired, kept)
    oscar.merge(retired, kept)
    assert merged(host) == {retired: kept}
    assert last_visits() == {kept: None}


def test_of_two_merges_of_one_record_the_later_holds(host: OscarHost, oscar, last_visits):
    retired, first, second = (oscar.patient() for _ in range(3))
    oscar.visit(retired, "2026-05-05")
    oscar.merge(retired, first)
    oscar.merge(retired, second)
    assert merged(host) == {retired: second}
    assert last_visits() == {first: None, second: dt.date(2026, 5, 5)}


def test_a_record_merged_into_itself_remains(host: OscarHost, oscar, last_visits):
    patient_id = oscar.patient()
    oscar.merge(patient_id, patient_id)
    assert last_visits() == {patient_id: None}
    assert merged(host) == {}


def test_a_circle_of_merges_hangs_nothing_and_keeps_no_one(host: OscarHost, oscar, last_visits):
    one, two, three, into_it, apart = (oscar.patient() for _ in range(5))
    for retired, kept in ((one, two), (two, three), (three, one), (into_it, one)):
        oscar.merge(retired, kept)
    oscar.visit(one)
    assert last_visits() == {apart: None}
    assert merged(host) == {}


def test_a_merge_into_a_record_that_is_gone_keeps_its_number(host: OscarHost, oscar, last_visits):
    retired = oscar.patient()
    oscar.merge(retired, 99_999)
    assert last_visits() == {}
    assert merged(host) == {retired: 99_999}
