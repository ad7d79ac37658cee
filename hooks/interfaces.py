"""Addresses for programs instead of people, and views that a page asks for by itself."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

_MARK = "polled"
_LARGEST_BODY = "largest_body"

View = TypeVar("View", bound=Callable[..., Any])


class ProgramInterface(Blueprint):
    """A blueprint whose callers are programs. They carry no form of the host's, but a proof of their own.

    The host leaves it out of its protection of forms (CSRF). A route of it that also answers to the host's session has
    to check by itself that a request which changes something, or is posted, comes from a page of this site.

    .. versionadded:: 1.0
    """


def polled(view: View) -> View:
    """Mark a view that a page asks for again and again by itself, whether or not anyone is there.

    A host whose own trail grows with each look at a session may answer such a view by what it last knew of the session,
    for some minutes. It shows nothing of a patient, and changes nothing.

    .. versionadded:: 1.0
    """
    setattr(view, _MARK, True)
    return view


def is_polled(view: Callable[..., Any] | None) -> bool:
    """Whether the view is marked so.

    .. versionadded:: 1.0
    """
    return getattr(view, _MARK, False)


def receives_files(largest: int) -> Callable[[View], View]:
    """Mark a view to whose form a person may add a file, so that a request to it may have `largest` bytes.

    A host that limits what a form may send lets such a view have more, once the person is signed in.

    .. versionadded:: 1.0
    """

    def marked(view: View) -> View:
        setattr(view, _LARGEST_BODY, largest)
        return view

    return marked


def largest_body(view: Callable[..., Any] | None) -> int | None:
    """How many bytes a request to the view may have by its mark; None for a view without it.

    .. versionadded:: 1.0
    """
    return getattr(view, _LARGEST_BODY, None)
