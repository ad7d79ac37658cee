"""A hook of a plugin that fails is logged and skipped: the other plugins and the page continue."""

import logging
from collections.abc import Callable, Generator, Sequence
from functools import wraps
from types import NoneType
from typing import Any

import pluggy

from .specs import hookimpl

log = logging.getLogger(__name__)


def isolated(implementation: pluggy.HookImpl, hook: str, kind: type, fallback: Sequence[Any]) -> Callable[..., Any]:
    """The same implementation, which never raises, nor answers with anything but `kind` or a list or tuple of it.

    `fallback` is its answer where it would.
    """
    make = _wrapper if implementation.wrapper else _answer
    label = f"{implementation.plugin_name} failed in {hook}"
    mark = hookimpl(
        wrapper=implementation.wrapper,
        tryfirst=implementation.tryfirst,
        trylast=implementation.trylast,
        specname=hook,
    )
    return mark(wraps(implementation.function)(make(implementation.function, label, kind, fallback)))


def checked(answer: Any, kind: type) -> Any:
    """The answer. Raises TypeError unless it is one `kind`, a list or tuple of it, or None."""
    items = answer if isinstance(answer, list | tuple) else (answer,)
    if answer is not None and not all(isinstance(item, kind) for item in items):
        raise TypeError(f"not a list or tuple of {kind.__name__}")
    return answer


def _failed(label: str, error: Exception) -> None:
    # Only the kind of error: its text may hold patient data.
    log.error("plugin %s: %s", label, type(error).__name__)


def _answer(function: Callable[..., Any], label: str, kind: type, fallback: Sequence[Any]) -> Callable[..., Any]:
    def answer(*arguments: Any, **keywords: Any) -> Any:
        try:
            return checked(function(*arguments, **keywords), kind)
        except Exception as error:
            _failed(label, error)
            return fallback

    return answer


def _wrapper(function: Callable[..., Any], label: str, kind: type, _: Sequence[Any]) -> Callable[..., Any]:
    """Where the wrapper fails, the answers of the wrapped plugins are used."""

    def wrapper(*arguments: Any, **keywords: Any) -> Generator[None, Any, Any]:
        try:
            generator = function(*arguments, **keywords)
            next(generator)
        except Exception as error:
            _failed(label, error)
            return (yield)
        answers = yield
        try:
            return _end(generator, answers, kind)
        except Exception as error:
            _failed(label, error)
            return answers

    return wrapper


def _end(generator: Generator[None, Any, Any], answers: list[Any], kind: type) -> list[Any]:
    """What the wrapper makes of the answers. Raises whatever it raises, and RuntimeError where it yields again."""
    try:
        generator.send([*answers])
    except StopIteration as end:
        return answers if kind is NoneType else [checked(answer, kind) for answer in end.value]
    generator.close()
    raise RuntimeError("has a second yield")
