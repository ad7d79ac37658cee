"""The members of Groups as JSON, kept by the version of the Group: a client that polls is mostly given the same again.

What a version is, is read from the database for each answer, and none is ever given to other members
(`store.versions`): what is kept can be out of use, and never out of date.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, NamedTuple

from isal import isal_zlib

from .versions import Versioned

_GROUPS: Final = 16  # of a few thousand members at most, each of which takes some 25 bytes
_LEVEL: Final = 1  # as answers are: members are alike, and near each other

Members = tuple[Sequence[int], bytes]  # the patients in order, and the members as JSON


class _KeptGroup(NamedTuple):
    version: int
    patient_ids: Sequence[int]
    zipped: bytes


class KeptMembers:
    """Those of the Groups that were read last, whole: for callers who may read all members. For any thread."""

    def __init__(self) -> None:
        self._of_groups: OrderedDict[str, _KeptGroup] = OrderedDict()
        self._lock = Lock()

    def of(self, group: Versioned, read: Callable[[], Members]) -> Members:
        """The members of a Group; `read` reads them as they are in this version, where they are not kept."""
        with self._lock:
            kept = self._of_groups.get(group.resource_id)
            if kept is not None:
                self._of_groups.move_to_end(group.resource_id)
        if kept is not None and kept.version == group.version:
            return kept.patient_ids, isal_zlib.decompress(kept.zipped)
        patient_ids, text = read()
        kept = _KeptGroup(group.version, array("q", patient_ids), isal_zlib.compress(text, _LEVEL))
        with self._lock:
            self._of_groups[group.resource_id] = kept
            self._of_groups.move_to_end(group.resource_id)
            if len(self._of_groups) > _GROUPS:
                self._of_groups.popitem(last=False)
        return patient_ids, text
