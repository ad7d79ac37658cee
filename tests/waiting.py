"""Waiting for what happens on its own, in another thread or process."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 120  # s: it bounds a hang, and must not fail a slow machine


def wait_until(happened: Callable[[], object], every: float = 0.01) -> None:
    """Look `every` so many seconds. Fails when it does not happen."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, f"not within {PATIENCE} s"
        time.sleep(every)
