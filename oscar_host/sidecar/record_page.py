"""Where the record of a patient is in this OSCAR: families differ, so the OSCAR that runs is asked."""

from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import assert_never
from urllib.parse import urlencode

_TIMES = 3
# It sends to the page for signing in, whether it has this one or not.
_NO_ANSWER = (*range(300, 400), HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class RecordPage(StrEnum):
    """The pages that are known, below OSCAR's context path."""

    CONTROL = "demographic/demographiccontrol.jsp"  # Open-O, OSCAR 15 and 19, Juno
    EDIT = "demographic/DemographicEdit"  # CARLOS

    def of(self, patient_id: int) -> str:
        """The address of one patient's record, below OSCAR's context path."""
        match self:
            case RecordPage.CONTROL:
                query = {"demographic_no": patient_id, "displaymode": "edit", "dboperation": "search_detail"}
            case RecordPage.EDIT:
                query = {"demographic_no": patient_id}
            case _:
                assert_never(self)
        return f"{self}?{urlencode(query)}"


class RecordPages:
    """Which of them this OSCAR has: found out once, and the usual one until then. May be shared between threads.

    `ask` returns the status with which OSCAR answers a page, to a session; None for no session, or when it does not
    answer. It is asked three times at most: an OSCAR that never answers has the usual one.
    """

    def __init__(self, ask: Callable[[RecordPage], int | None]) -> None:
        self._ask = ask
        self._found: RecordPage | None = None
        self._times_left = _TIMES

    def page(self) -> RecordPage:
        """The page to link to."""
        if self._found is None and self._times_left:
            self._times_left -= 1
            self._found = next(filter(self._is_there, RecordPage), None)
        return self._found or RecordPage.CONTROL

    def _is_there(self, page: RecordPage) -> bool:
        status = self._ask(page)
        return status is not None and status not in _NO_ANSWER and status != HTTPStatus.NOT_FOUND
