"""Hosts that are broken on purpose: each breaks one rule, and names the check that is to tell of it."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import ModuleType
from typing import Any, Final

import pytest

from cpar_plugin.hooks.conformance import CHECKS

from .oscar_bench import OscarBench

Break = Callable[[OscarBench], Any]
BROKEN: dict[Break, str] = {}
ABSENT: Final = object()


def breaks(check: str) -> Callable[[Break], Break]:
    """Marks a function that makes a broken host out of a good one with the check that must fail."""

    def marked(function: Break) -> Break:
        BROKEN[function] = check
        return function

    return marked


class Altered:
    """An object of which some members are others, or ABSENT."""

    def __init__(self, real: Any, **others: Any) -> None:
        absent = {name for name, other in others.items() if other is ABSENT}
        present = {name: other for name, other in others.items() if name not in absent}
        self.__dict__ |= {"_real": real, "_absent": absent, **present}

    def __getattr__(self, name: str) -> Any:
        if name in self._absent:
            raise AttributeError(name)
        return getattr(self._real, name)


def of(*modules: ModuleType) -> list[Break]:
    """The broken hosts of these modules."""
    names = {module.__name__ for module in modules}
    return [make for make in BROKEN if make.__module__ in names]


def fails_its_check(make: Break, bench: OscarBench) -> None:
    """Break the host, and see that its check tells of it."""
    _fails(make, bench, [BROKEN[make]])


def fails_exactly_its_check(make: Break, bench: OscarBench) -> None:
    """The same, and that no other check does."""
    _fails(make, bench, CHECKS)


def _fails(make: Break, bench: OscarBench, asked: Iterable[str]) -> None:
    made = make(bench)
    with made if isinstance(made, AbstractContextManager) else nullcontext(made) as broken:
        failed = failures(broken, asked)
    assert list(failed) == [BROKEN[make]], failed


def with_port(bench: OscarBench, port: str, **others: Any) -> OscarBench:
    """The bench with a host of which a port has other members."""
    altered: Any = Altered(getattr(bench.host, port), **others)
    return replace(bench, host=Altered(bench.host, **{port: altered}))  # type: ignore[arg-type]


def with_roster(bench: OscarBench, **others: Any) -> OscarBench:
    """The bench with a host whose roster has other members; with other patients, none as they are stored."""
    stored = {"stored_patients": ABSENT} if "patients" in others else {}
    return with_port(bench, "roster", **stored, **others)


def failures(bench: Any, asked: Iterable[str] = CHECKS) -> dict[str, BaseException]:
    """Those of the checks asked for that the host fails, by name."""
    failed: dict[str, BaseException] = {}
    for name in asked:
        try:
            CHECKS[name](bench)
        except pytest.skip.Exception:
            continue
        except (Exception, pytest.fail.Exception) as error:
            failed[name] = error
    return failed
