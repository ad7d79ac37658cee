"""What people read says one thing in one way: the words that the glossary has retired do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RETIRED = {
    r"mend(s|ed|ing)?\b": "fix",
    r"(ticked|tick (all|the|them))\b": "select",
    r"go(es|ing)? out\b": "will be submitted",
    r"le(ft|aves?|aving) out\b": "exclude, omit",
    r"le(ft|aves?|aving) alone\b": "not changed, ignored",
    r"left as (it was|they were)\b": "not changed",
    r"whom(ever)?\b": "who, or another sentence",
    r"whoever\b": "anyone who, users who",
    r"(some|any|no|every)body\b": "someone, anyone, no one, everyone",
    r"anew\b": "again",
    r"meanwhile\b": "in the meantime",
    r"c[ao]mes? to nothing\b": "failed",
    r"called off\b": "cancelled",
    r"broken? off\b": "interrupted",
    r"put back\b": "restored",
    r"looks? after\b": "operate, administer",
    r"written down\b": "logged",
    r"any more\b": "no longer",
    r"stands? at:": "current status:",
    r"beside (an |a running |a real )?OSCAR\b": "alongside OSCAR",
    r"neighbour": "sidecar",
    r"(?<!e)mail address\b": "email address",
    r"e-mail\b": "email",
    r"health-care card\b": "health care card",
}
WORDS = re.compile("|".join(rf"\b{word}" for word in RETIRED), re.IGNORECASE)
PRODUCT = ("cpar_plugin", "host_kit", "oscar_host", "fhir_mappings")
PAGES = sorted(
    file for folder in ("templates", *PRODUCT) for file in (ROOT / folder).rglob("*") if file.suffix in (".html", ".j2")
)
MODULES = sorted(file for folder in PRODUCT for file in (ROOT / folder).rglob("*.py"))
DOCS = sorted(
    [*ROOT.glob("*.md"), *(file for file in (ROOT / "docs").rglob("*.md") if file.parent.name != "decisions")]
)
NOT_READ = {ROOT / "docs/reference/glossary.md", ROOT / "CHANGELOG.md"}  # the one names the words, the other is history


def found_in(texts: Iterator[str]) -> list[str]:
    return [f"{found[0]} in: {text.strip()[:120]}" for text in texts for found in [WORDS.search(text)] if found]


def seen(page: str) -> Iterator[str]:
    """The texts of a template, without comments, names and addresses: what a reader, or a screen reader, is given."""
    page = re.sub(r"{#.*?#}", "", page, flags=re.DOTALL)
    for said in re.findall(r"""["']([^"'{}<>]* [^"'{}<>]*)["']""", page):
        yield from ([] if re.search(r"[=;_]|cpar-", said) else [said])
    yield from re.sub(r"{[{%].*?[%}]}|<[^>]*>", "\n", page, flags=re.DOTALL).splitlines()


def literals(module: str) -> Iterator[str]:
    """The strings of a module that are sentences or parts of some: neither docstrings nor names."""
    tree = ast.parse(module)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from ([node.value] if " " in node.value else [])


def prose(page: str) -> Iterator[str]:
    """The text of a page of the docs, without code, links' addresses and names of tests."""
    page = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    yield from re.sub(r"`[^`]*`|\]\([^)]*\)", "", page).splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_says_a_retired_word(page: Path) -> None:
    assert found_in(seen(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_no_message_says_a_retired_word(module: Path) -> None:
    assert found_in(literals(module.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", [page for page in DOCS if page not in NOT_READ], ids=lambda page: page.name)
def test_no_page_of_the_docs_says_a_retired_word(page: Path) -> None:
    assert found_in(prose(page.read_text(encoding="utf-8"))) == []


def test_a_retired_word_is_found() -> None:
    assert found_in(seen("<p title='Tick all of them'>{{ one.remedy }}</p>")) == ["Tick all in: Tick all of them"]
    assert found_in(literals('"""Whom."""\nraise Refused(f"{name} goes out tomorrow.")')) == [
        "goes out in: goes out tomorrow."
    ]
    assert found_in(prose("Left\nalone with `mend`, not mended")) == ["mended in: alone with , not mended"]
