"""Tables that a phone shows as cards, one for each row: each cell then says which column it is of (cpar.css)."""

import re
from collections.abc import Iterable, Iterator

from markupsafe import Markup

_TAG = re.compile(r"<thead>(.*?)</thead>|</table>|<(tr|th|td)\b", re.DOTALL)
_HEADING = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.DOTALL)
_NOT_THE_LABEL = re.compile(r"<span\b.*?</span>|<[^>]*>", re.DOTALL)  # arrows, and what only screen readers are given


def with_labels(body: Markup) -> Markup:
    """The page whose cells of tables have the attribute `data-label`, the heading of their column."""
    return Markup("".join(labeled([body])))  # noqa: S704  as safe as it was: headings are escaped already


def labeled(texts: Iterable[str]) -> Iterator[str]:
    """The same of a page that is sent in portions, which break no tag."""
    labels: list[str] = []
    column = 0

    def tag(match: re.Match[str]) -> str:
        nonlocal labels, column
        if match[2] is None:
            labels = [" ".join(_NOT_THE_LABEL.sub("", text).split()) for text in _HEADING.findall(match[1] or "")]
            return match[0]
        column = 0 if match[2] == "tr" else column + 1
        label = labels[column - 1] if 0 < column <= len(labels) else ""
        return f'{match[0]} data-label="{label}"' if label and match[2] == "td" else match[0]

    pending = ""
    for text in texts:
        pending = f"{pending}{text}"  # of a template, some are Markup: + would escape the other
        if pending.rfind("<thead>") <= pending.rfind("</thead>"):  # the headings are there as a whole
            yield _TAG.sub(tag, pending)
            pending = ""
    yield pending
