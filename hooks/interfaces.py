"""Addresses for programs instead of people."""

from flask import Blueprint


class ProgramInterface(Blueprint):
    """A blueprint whose callers are programs. They carry no form of the host's, but a proof of their own.

    The host leaves it out of its protection of forms (CSRF). A route of it that also answers to the host's session has
    to check by itself that a request which changes something, or is posted, comes from a page of this site.
    """
