"""Scopes of SMART Backend Services: what a system may do with which resources.

Version 2 writes `system/Group.rs` (r reads, s searches), version 1 `system/Group.read`. One request may use both.
`system/Group.u` allows what changes a Group here: confirming one of its members (`$confirm`).
`system/Subscription.cruds` is for a client's own subscriptions, each letter by itself in a token. No `*` covers a kind
of NAMED_ALONE: it takes a scope of its own.
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

import re
from functools import lru_cache

from .refusals import Refused

KINDS = ("Group", "Location", "Organization", "Patient", "Practitioner", "PractitionerRole")
# What the registry says of patients is another matter than who is on a panel; so is being sent what happens there.
NAMED_ALONE = ("Subscription", "Task")
EVERY_KIND = "*"  # of KINDS
CREATE, READ, UPDATE, DELETE, SEARCH = "create", "read", "update", "delete", "search"
CONFIRM = "system/Group.u"  # the only scope to change anything of patients with
SUBSCRIBE = "system/Subscription.cruds"

Right = tuple[str, str]  # a kind or `*`, and CREATE, READ, UPDATE, DELETE or SEARCH

_SCOPE = re.compile(r"system/(\*|[A-Za-z]{1,64})\.(c?r?u?d?s?|read|write|\*)")
_LETTERS = {"c": CREATE, "r": READ, "u": UPDATE, "d": DELETE, "s": SEARCH}
_OF_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_READING = "rs"
_WRITTEN = "Subscription"  # the kind that clients make themselves
_SUBSCRIBING = ("crud", "cruds")


def registered(text: str) -> str:
    """The scopes to register a client for, sorted, from a text in either version.

    Raises Refused (`scopes`) for none at all, and for one that this interface cannot give. A client is registered for
    reading and searching a kind together, and for all that is done with subscriptions; its tokens may be for less.
    CONFIRM is a scope of its own.
    """
    kinds, named_scopes = set(), list[str]()
    for word in text.split():
        kind, letters = _parsed(word)
        if word == CONFIRM or (kind == _WRITTEN and letters in _SUBSCRIBING):
            named_scopes.append(CONFIRM if word == CONFIRM else SUBSCRIBE)
            continue
        if kind == _WRITTEN or kind not in (*KINDS, *NAMED_ALONE, EVERY_KIND) or letters != _READING:
            raise Refused(
                {
                    "scopes": f"{word[:80]} cannot be registered. Use system/*.rs for everything, or one or more of "
                    + ", ".join(f"system/{kind}.rs" for kind in KINDS)
                    + f"; system/Task.rs for lines of reports; {SUBSCRIBE} for subscriptions; and {CONFIRM} for a "
                    "check-in program."
                }
            )
        kinds.add(kind)
    if not kinds and not named_scopes:
        raise Refused({"scopes": "Select what the client can do."})
    named = [EVERY_KIND, *sorted(kinds.intersection(NAMED_ALONE))] if EVERY_KIND in kinds else sorted(kinds)
    reading = [f"system/{kind}.{_READING}" for kind in named]
    return " ".join([*reading, *sorted(set(named_scopes))])


def granted(scopes: str, registered_scopes: str) -> str:
    """What of the scopes asked for the client gets, each written in the version that it was asked in; "" for nothing.

    Never more than is asked, nor than is registered. A scope that this interface does not know (another context, a
    restriction by search parameters, other writing) gives nothing.
    """
    allowed = rights(registered_scopes)
    result: dict[str, None] = {}
    for word in scopes.split():
        kind, letters = _parsed(word)
        for name in _meant(kind, allowed):
            enough = {name} if kind == EVERY_KIND or name in NAMED_ALONE else {name, EVERY_KIND}
            given = "".join(letter for letter in letters if any((held, _LETTERS[letter]) in allowed for held in enough))
            if given:
                result[f"system/{name}.{_as_requested(word, given)}"] = None
    return " ".join(result)


@lru_cache(256)
def rights(scopes: str) -> frozenset[Right]:
    """What these scopes, as granted or registered, allow."""
    parts = (_parsed(word) for word in scopes.split())
    return frozenset((kind, _LETTERS[letter]) for kind, letters in parts for letter in letters)


def allows(granted_rights: frozenset[Right], kind: str, interaction: str) -> bool:
    """Whether these rights hold for an interaction (`create`, `read`, ...) with a kind."""
    if kind in NAMED_ALONE:
        return (kind, interaction) in granted_rights
    return (kind, interaction) in granted_rights or (EVERY_KIND, interaction) in granted_rights


def _meant(kind: str, allowed: frozenset[Right]) -> list[str]:
    """The kinds of a scope that is asked for: for `*` those registered that a `*` covers."""
    if kind == EVERY_KIND:
        return sorted({name for name, _ in allowed}.difference(NAMED_ALONE))
    return [kind] if kind in (*KINDS, *NAMED_ALONE) else []


def _as_requested(word: str, given: str) -> str:
    """The letters that are given, in the version in which they were requested where that can say them."""
    verb = word.rpartition(".")[2]
    for name in (verb, "read", "write"):
        if verb in _OF_VERSION_1 and set(_OF_VERSION_1[name]) == set(given):
            return name
    return given


def _parsed(word: str) -> tuple[str, str]:
    """The kind, and the letters that are meant; no letters for what is not known here."""
    match = _SCOPE.fullmatch(word)
    if not match:
        return "", ""
    kind, rest = match[1], match[2]
    if kind != _WRITTEN:
        rest = {"*": "read", "write": ""}.get(rest, rest)
    return kind, _OF_VERSION_1.get(rest, rest)
