"""Checks that show the author of a host whether it meets the contract. They need pytest: the extra `conformance`.

    pytest --pyargs cpar_plugin.hooks.conformance --host myemr.bench:open_bench

or `from cpar_plugin.hooks.conformance import *` in a test module that has a fixture named `bench`. Either takes a
`Bench`. Each check covers one rule, and its name says which.
"""

from . import (
    test_audit,
    test_clock_and_settings,
    test_database,
    test_homes,
    test_identity,
    test_merges,
    test_pages,
    test_patients,
    test_plugins,
    test_providers,
    test_schedule,
    test_seen_by,
    test_stored_patients,
    test_visits,
)
from .bench import AuditLine, Bench, NewPatient, NewProvider, NewVisit, VisitOutcome

CHECKS = {
    name: check
    for module in (
        test_patients,
        test_stored_patients,
        test_providers,
        test_merges,
        test_visits,
        test_seen_by,
        test_schedule,
        test_homes,
        test_identity,
        test_audit,
        test_database,
        test_pages,
        test_clock_and_settings,
        test_plugins,
    )
    for name, check in vars(module).items()
    if name.startswith("test_") and callable(check)
}
globals().update(CHECKS)
__all__ = ["AuditLine", "Bench", "NewPatient", "NewProvider", "NewVisit", "VisitOutcome", *CHECKS]
