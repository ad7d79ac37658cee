"""Hosts that break one rule each in a way that SQLite does not know."""

from typing import Any

from sqlalchemy import collate, create_engine, event
from sqlalchemy.orm import sessionmaker

from .breaking import breaks, with_port, with_roster
from .broken_rosters import altered
from .oscar_bench import OscarBench


@breaks("test_texts_compare_letter_by_letter_with_those_of_a_plugin")
def texts_compare_without_case(bench: OscarBench) -> OscarBench:
    real = bench.host.roster
    caseless = lambda c: {"status": collate(c.status, "utf8mb4_general_ci")}  # noqa: E731
    return with_roster(bench, patients=lambda: altered(real.patients(), caseless))


@breaks("test_a_value_that_does_not_fit_is_never_cut_or_converted")
def the_server_cuts_what_is_too_long(bench: OscarBench) -> OscarBench:
    real: Any = bench.host.database
    url = real.engine.url
    named = {"schema_translate_map": real.engine.get_execution_options()["schema_translate_map"]}
    lax = {"init_command": "SET sql_mode = ''"}
    lenient = create_engine(url, isolation_level="REPEATABLE READ", connect_args=lax, execution_options=named)
    event.listen(real.engine, "engine_disposed", lambda _: lenient.dispose())
    writing = sessionmaker(lenient.execution_options(isolation_level="READ COMMITTED"))
    return with_port(bench, "database", engine=lenient, session=writing.begin)


@breaks("test_a_reading_connection_sees_one_state_of_the_data_to_its_end")
def every_statement_reads_what_was_committed(bench: OscarBench) -> OscarBench:
    engine = bench.host.database.engine.execution_options(isolation_level="READ COMMITTED")
    return with_port(bench, "database", engine=engine)
