"""Where a page of a long list begins or ends, and in which order it is read."""

from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

Mark = TypeVar("Mark")


@dataclass(frozen=True, slots=True)
class Paged(Generic[Mark]):
    """A list in pages. The page begins after the row that `after` marks, or ends before that of `before`."""

    descending: bool = False
    after: Mark | None = None
    before: Mark | None = None

    @property
    def first_page(self) -> Self:
        """The same list from its beginning."""
        return replace(self, after=None, before=None)

    @property
    def mark(self) -> Mark | None:
        """The row where the page begins or ends."""
        return self.after if self.before is None else self.before

    @property
    def falling(self) -> bool:
        """Whether the page is read in falling order: one that ends before a row is read from its end."""
        return self.descending == (self.before is None)
