from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cpar_plugin.domain.coverage import CoverageUse
from cpar_plugin.services.overview.next_submission import next_submission
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from . import odd_clinic


@pytest.mark.parametrize("patients", [1000, pytest.param(20_000, marks=pytest.mark.large)])
@pytest.mark.parametrize(("given_name_required", "coverage"), [(False, "caution"), (True, "exclude")])
def test_of_a_clinic_of_odd_records_those_are_submitted_that_plain_sql_counts(
    host: OscarHost,
    emr: OscarHost,
    host_schema: str | None,
    panel_id: int,
    received: Callable[[Taken], Any],
    given_name_required: bool,
    coverage: CoverageUse,
    patients: int,
) -> None:
    settings = Settings(given_name_required=given_name_required, coverage=CoverageUse(coverage))
    odd_clinic.fill(emr, panel_id, patients, seed=20261128)
    taken = build.take(host, settings, panel_id, now=host.clock.now())
    with host.database.engine.connect() as connection:
        sent, reasons = odd_clinic.expected(
            connection, host_schema, given_name_required, coverage == CoverageUse.EXCLUDE
        )
        shown = next_submission(connection, host, host.identity.system, settings, panel_id)
    assert {reason.value: count for reason, count in taken.reasons.items()} == reasons
    assert taken.sent == sent
    assert {reason.value: count for reason, count in shown.reasons.items()} == reasons
    assert shown.excluded == patients - sent
    submitted = received(taken)
    assert len(submitted.patients) == sent
    assert Counter(reason for codes in submitted.excluded.values() for reason in codes.split()) == reasons
