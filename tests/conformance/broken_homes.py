"""Hosts that break one rule each about where patients live."""

from typing import Any

from sqlalchemy import func, select

from .breaking import breaks, with_port
from .oscar_bench import OscarBench


@breaks("test_people_of_one_home_have_one_address_and_others_another")
def addresses_begin_with_who_lives_there(bench: OscarBench) -> OscarBench:
    real, record = bench.host.homes, bench.oscar.tables.demographic.alias("person")
    assert real

    def address(patient_id: Any) -> Any:
        name = select(record.c.last_name).where(record.c.demographic_no == patient_id).correlate_except(record)
        return name.scalar_subquery().concat(real.address(patient_id))

    return with_port(bench, "homes", address=address)


@breaks("test_without_a_street_there_is_no_address")
def who_has_no_street_has_an_empty_address(bench: OscarBench) -> OscarBench:
    real = bench.host.homes
    assert real
    return with_port(bench, "homes", address=lambda patient_id: func.coalesce(real.address(patient_id), ""))
