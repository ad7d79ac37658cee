"""The indexes of the docs name every page, and a decision's page and its line in the index agree."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


def links_in(page: Path) -> list[Path]:
    targets = re.findall(r"\]\(([^):#]+\.md)[^)]*\)", page.read_text(encoding="utf-8"))
    return [(page.parent / target).resolve() for target in targets]


def test_the_index_of_the_docs_links_every_page_once() -> None:
    index, decisions = DOCS / "index.md", DOCS / "decisions/index.md"
    pages = [page for page in DOCS.rglob("*.md") if page != index]
    linked = [*links_in(index), *links_in(decisions)]
    expected = [page.resolve() for page in pages]
    assert sorted({page for page in expected if page not in linked}) == [], "add these to docs/index.md"
    assert sorted(set(linked) - set(expected)) == []
    assert len(links_in(index)) == len(set(links_in(index)))


def test_the_readme_leads_to_the_index_of_the_docs() -> None:
    assert (DOCS / "index.md").resolve() in links_in(DOCS.parent / "README.md")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_a_status_a_context_what_was_decided_and_what_follows(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    parts = ("**Status.**", "**Context.**", "**Decision.**", "**Consequences.**")
    assert [content.count(part) for part in parts] == [1] * len(parts)
    assert sorted(parts, key=content.index) == list(parts)


def test_decisions_are_numbered_without_gap_or_double() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_index_of_decisions_has_the_title_and_the_status_of_each_page() -> None:
    index = (DOCS / "decisions/index.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \d+ \|.*$", index, re.MULTILINE) == [line_of(page) for page in DECISIONS]


def line_of(page: Path) -> str:
    """The decision's line in the index, as its page says: number, title and status."""
    content = page.read_text(encoding="utf-8")
    heading = re.match(r"# (\d+)\. (.+)\n", content)
    numbers = r"\[\d+\]\(\d{4}-[\w-]+\.md\)(?: and \[\d+\]\(\d{4}-[\w-]+\.md\))*"
    status = re.search(
        rf"^\*\*Status\.\*\* (Accepted(?:, amended by {numbers})?|Replaced by {numbers})\.$", content, re.M
    )
    assert heading, f"{page.name} begins with '# NUMBER. TITLE'"
    assert status, (
        f"{page.name}: '**Status.** Accepted.', '... Accepted, amended by [N](page).' or '... Replaced by [N](page).'"
    )
    return f"| {heading[1]} | [{heading[2]}]({page.name}) | {status[1]} |"
