"""A member of a panel, as the rules see one."""

from datetime import date
from typing import Protocol


class Named(Protocol):
    """A person's names as the host has them, and what was answered to cautions about them."""

    @property
    def family_name(self) -> str | None: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def middle_names(self) -> str | None: ...
    @property
    def answers(self) -> str | None: ...  # as answers.is_answered takes them


def stored_names(person: Named) -> tuple[str | None, str | None, str | None]:
    """Family, given and middle names as the host stores them."""
    return (person.family_name, person.given_name, person.middle_names)


class Member(Named, Protocol):
    """A member of a panel with what the host knows of the patient. Texts that are missing are None."""

    @property
    def known(self) -> bool: ...  # False when the host's roster no longer has the patient
    @property
    def status(self) -> str | None: ...
    @property
    def preferred_name(self) -> str | None: ...
    @property
    def birth_date(self) -> str | None: ...
    @property
    def gender(self) -> str | None: ...
    @property
    def phn(self) -> str | None: ...
    @property
    def phn_jurisdiction(self) -> str | None: ...
    @property
    def coverage_start(self) -> str | None: ...
    @property
    def coverage_end(self) -> str | None: ...
    @property
    def last_visit_on(self) -> date | None: ...
    @property
    def confirmed_on(self) -> date | None: ...
