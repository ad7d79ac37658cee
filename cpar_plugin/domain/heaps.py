"""The registry's own list of a panel against the panel: into which heap each patient falls, and what is compared.

Everyone in the list or on the panel is in one heap. A row of the list counts for a patient as soon as that is certain
or accepted. A field is compared where the list has something in it: an empty cell says nothing.
"""

from enum import StrEnum
from typing import Final

from .exhaustive import exhaustive
from .list_columns import ColumnField


class RegistryHeap(StrEnum):
    """Where a patient is, in the order in which heaps are worked off."""

    DIFFERENT = "different"  # in both, and a field is not the same
    REGISTRY_ONLY = "registry-only"  # in the list, and not on the panel; or in no record
    OURS_ONLY = "ours-only"  # on the panel, and not in the list
    AGREED = "agreed"  # in both, and all that the list says is in the record


HEAP_LABELS: Final = exhaustive(
    __name__,
    RegistryHeap,
    {
        RegistryHeap.DIFFERENT: "Different",
        RegistryHeap.REGISTRY_ONLY: "Only the registry's",
        RegistryHeap.OURS_ONLY: "Only ours",
        RegistryHeap.AGREED: "Agreed",
    },
)


class CompareAs(StrEnum):
    """When what a list says is what a record says."""

    TEXT = "text"  # to the letter
    NAME = "name"  # without case, accents, blanks, hyphens, apostrophes and periods
    GIVEN_NAMES = "given-names"  # the same, with the middle names or without them
    GENDER = "gender"  # any of the EMR's codes for another gender is what a list calls so


# The columns of a record that a list is compared with.
COMPARED: Final = {
    ColumnField.FAMILY_NAME: CompareAs.NAME,
    ColumnField.GIVEN_NAME: CompareAs.GIVEN_NAMES,
    ColumnField.BIRTH_DATE: CompareAs.TEXT,
    ColumnField.GENDER: CompareAs.GENDER,
    ColumnField.PHN: CompareAs.TEXT,
}

# By the code of what does not match: those of domain.reports.Mismatch that are fields of a record.
COMPARED_BY_CODE: Final = {field.value: field for field in COMPARED}


def heap_of(*, in_list: bool, on_panel: bool, differs: bool) -> RegistryHeap:
    """The heap of a patient who is in the list, on the panel, or both. `differs` counts for those in both."""
    if in_list and on_panel:
        return RegistryHeap.DIFFERENT if differs else RegistryHeap.AGREED
    return RegistryHeap.REGISTRY_ONLY if in_list else RegistryHeap.OURS_ONLY
