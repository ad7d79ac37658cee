"""What can be the key of a row."""

import pytest

from cpar_plugin.store.types import KEYS, LAST_KEY


@pytest.mark.parametrize("value", [1, LAST_KEY])
def test_numbers_from_one_on_can_be_keys(value: int) -> None:
    assert value in KEYS


@pytest.mark.parametrize("value", [None, "1", 0, -1, LAST_KEY + 1])
def test_what_can_be_none_is_refused_at_once(value: object) -> None:
    assert value not in KEYS
