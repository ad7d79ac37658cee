"""What is wrong with a plugin or a host, before either asks the other."""

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from typing import get_args, get_type_hints

import pluggy

from . import ports, specs

HOOKS = {name: hook for name, hook in vars(specs).items() if name.startswith(specs.PREFIX)}


def answer_type(hook: str) -> type:
    """The type of what a hook answers with, alone or as the items of a sequence."""
    answer = get_type_hints(HOOKS[hook])["return"]
    return next(iter(get_args(answer)), answer)  # type: ignore[no-any-return]


def mistakes(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    """One clause for each function of the plugin that this contract would never call, or not as its author means."""
    for name in dir(plugin):
        mark = manager.parse_hookimpl_opts(plugin, name)
        if mark is None:
            if name.startswith(specs.PREFIX) and inspect.isroutine(getattr(plugin, name)):
                yield f"{name} needs the mark @hookimpl" if name in HOOKS else _no_hook(name)
        elif (hook := mark.get("specname") or name) not in HOOKS:
            if not mark.get("optionalhook"):
                yield _no_hook(hook)
        elif mark.get("hookwrapper"):
            yield f"{hook} must be a wrapper of the newer kind: @hookimpl(wrapper=True)"


def _no_hook(name: str) -> str:
    [*names] = get_close_matches(name, HOOKS, n=1)
    return f"there is no hook {name} in contract {specs.CONTRACT_VERSION}" + "".join(
        f" (did you mean {hook}?)" for hook in names
    )


def missing(host: object) -> Iterator[str]:
    """What the host does not have of the ports of this contract, as `roster` or `roster.with_phn`."""
    for name in _public(ports.Host):
        if not _has(host, name):
            yield name
            continue
        answer = get_type_hints(getattr(ports.Host, name).fget)["return"]
        port = next((kind for kind in (answer, *get_args(answer)) if kind in vars(ports).values()), None)
        # There is none for the mapping of settings, and an optional port may be None.
        if port and not (type(None) in get_args(answer) and getattr(host, name) is None):
            yield from (f"{name}.{member}" for member in _public(port) if not _has(getattr(host, name), member))


def _public(port: type) -> list[str]:
    return [name for name in vars(port) if not name.startswith("_")]


def _has(port: object, member: str) -> bool:
    """Without evaluating the properties of a class: they may ask the database."""
    return hasattr(type(port), member) or hasattr(port, member)
