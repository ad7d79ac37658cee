from datetime import date

import pytest

from cpar_plugin.domain.confirmation import ConfirmedHow, may_confirm
from cpar_plugin.hooks import StatusKind

TODAY = date(2026, 11, 10)


@pytest.mark.parametrize(
    ("confirmed_on", "offered"), [(TODAY, False), (date(2026, 11, 9), True), (date(2025, 11, 10), True), (None, True)]
)
def test_confirm_is_offered_only_when_the_confirmation_is_not_of_today(
    confirmed_on: date | None, offered: bool
) -> None:
    assert may_confirm(confirmed_on, TODAY, StatusKind.ACTIVE) is offered


def test_an_inferred_confirmation_never_looks_like_one_by_a_person() -> None:
    assert len({str(how) for how in ConfirmedHow}) == len(ConfirmedHow) == 6
    assert [how for how in ConfirmedHow if "person" in how] == [ConfirmedHow.BY_PERSON]
    assert max(map(len, ConfirmedHow)) <= 30  # as long as it is stored
