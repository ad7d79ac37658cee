"""A host whose roster breaks a rule fails the check of that rule, and no other."""

import pytest

from . import broken_rosters, broken_visits
from .breaking import Break, fails_exactly_its_check, fails_its_check, of
from .oscar_bench import OscarBench


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("make", of(broken_rosters, broken_visits), ids=lambda make: make.__name__)
def test_the_check_of_the_broken_rule_fails(make: Break, on_sqlite: OscarBench) -> None:
    fails_its_check(make, on_sqlite)


@pytest.mark.large
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("make", of(broken_rosters, broken_visits), ids=lambda make: make.__name__)
def test_the_check_of_the_broken_rule_fails_and_no_other(make: Break, on_sqlite: OscarBench) -> None:
    fails_exactly_its_check(make, on_sqlite)
