"""What people read says one thing in one way, and so do names in code: the words that the glossary has retired do not
come back."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from cpar_plugin.domain.csv_columns import CsvColumn, CsvHead

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
    r"demographic (number|no\.)": "record number",
    r"(?-i:[Ll]ast|[Ff]irst) (?-i:name)s?\b": "family name, given name (OSCAR's own fields are Last Name, First Name)",
}
# In names of code, fields, classes, ids and variables of templates; `left_out`, `left-out`, `leftOut` are the same.
RETIRED_NAMES = {
    r"(un)?tick(ed|s)?": "select",
    r"left (out|alone)": "excluded, skipped, ignored",
    r"leave (out|alone)": "exclude, skip, ignore",
    r"(taken|put) back": "restored, withdrawn",
    r"called off": "cancelled",
    r"mend(s|ed|ing)?": "fix, remedy",
    r"(told|tells?)": "what is shown, reported or returned",
    r"stands?": "what it is: status, membership, row",
    r"(stay|stays|staying|stayed)": "what remains",
    r"wanted": "requested, included, search_text",
    r"(whom|whose|whoever)": "owner, user, provider, ...",
    r"(some|any|no|every)body": "someone, no one, or the role",
    r"anew": "again",
    r"meanwhile": "conflict, in the meantime",
    r"beside": "alongside",
    r"plainly": "certainly",
    r"neighbour": "sidecar",
    r"(asked|goes on|came from)": "requested, run_date, return_to",
}
WORDS = re.compile("|".join(rf"\b{word}" for word in RETIRED), re.IGNORECASE)
PRODUCT = ("cpar_plugin", "hooks", "host_kit", "oscar_host", "fhir_mappings")
PAGES = sorted(
    file for folder in ("templates", *PRODUCT) for file in (ROOT / folder).rglob("*") if file.suffix in (".html", ".j2")
)
NAMES = re.compile("|".join(rf"\b{name}\b" for name in RETIRED_NAMES))
SCRIPTS = sorted(
    file
    for folder in PRODUCT
    for file in (ROOT / folder).rglob("*")
    if file.suffix in (".js", ".css") and not file.name.startswith("htmx")
)
MODULES = sorted(file for folder in PRODUCT for file in (ROOT / folder).rglob("*.py"))
DOCS = sorted(
    [*ROOT.glob("*.md"), *(file for file in (ROOT / "docs").rglob("*.md") if file.parent.name != "decisions")]
)
NOT_READ = {ROOT / "docs/reference/glossary.md", ROOT / "CHANGELOG.md"}  # the one names the words, the other is history


def found_in(texts: Iterator[str]) -> list[str]:
    return [f"{result[0]} in: {text.strip()[:120]}" for text in texts for result in [WORDS.search(text)] if result]


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


def named(names: Iterable[str]) -> list[str]:
    """The names with a retired word, `one_name`, `one-name` and `oneName` being the same words."""
    return sorted(
        {
            name
            for name in names
            if NAMES.search(re.sub(r"[_-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower())
        }
    )


def names_in_code(module: str) -> Iterator[str]:
    """Every name that a module uses."""
    for token in tokenize.generate_tokens(io.StringIO(module).readline):
        yield from ([token.string] if token.type == tokenize.NAME else [])


def names_in_page(page: str) -> Iterator[str]:
    """A template's fields, ids and classes, and the variables and macros of its expressions."""
    page = re.sub(r"{#.*?#}", "", page, flags=re.DOTALL)
    for expression in re.findall(r"{[{%].*?[%}]}", page, re.DOTALL):
        yield from re.findall(r"[A-Za-z_]\w*", re.sub(r""""[^"]*"|'[^']*'""", "", expression))
    for values in re.findall(r"""\b(?:name|id|for|class|form|data-[a-z-]+)=["']([^"'{}<> ][^"'{}<>]*)["']""", page):
        yield from re.findall(r"[\w-]+", values)
    yield from re.findall(r"\bdata-[a-z-]+", page)


def names_in_script(script: str) -> Iterator[str]:
    """A script's or a style sheet's names, without comments and sentences."""
    script = re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", script, flags=re.DOTALL)
    yield from re.findall(r"[A-Za-z_][\w-]*", re.sub(r""""[^"\n]* [^"\n]*"|`[^`]*`""", "", script))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_says_a_retired_word(page: Path) -> None:
    assert found_in(seen(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_no_message_says_a_retired_word(module: Path) -> None:
    assert found_in(literals(module.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", [page for page in DOCS if page not in NOT_READ], ids=lambda page: page.name)
def test_no_page_of_the_docs_says_a_retired_word(page: Path) -> None:
    assert found_in(prose(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_no_name_in_code_has_a_retired_word(module: Path) -> None:
    assert named(names_in_code(module.read_text(encoding="utf-8"))) == []
    assert named([module.stem]) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_field_class_or_variable_of_a_page_has_a_retired_word(page: Path) -> None:
    assert named(names_in_page(page.read_text(encoding="utf-8"))) == []
    assert named([page.stem]) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_no_name_in_a_script_or_style_sheet_has_a_retired_word(script: Path) -> None:
    assert named(names_in_script(script.read_text(encoding="utf-8"))) == []


def test_dates_and_names_of_patients_on_pages_are_written_by_the_macros_alone() -> None:
    macros = ROOT / "templates/cpar/parts.html"
    by_hand = re.compile(r"<time\b|\bfull_name\(|\bstrftime\(|family_name *~")
    pages = (page for page in macros.parent.glob("*.html") if page != macros)
    results = {page.name: by_hand.findall(page.read_text(encoding="utf-8")) for page in pages}
    assert {name: texts for name, texts in results.items() if texts} == {}


def test_columns_of_csv_files_have_the_one_name_of_what_they_hold() -> None:
    writers = [module for module in MODULES if re.search(r"\byield HEAD\b", module.read_text(encoding="utf-8"))]
    heads: dict[str, CsvHead] = {}
    for module in writers:
        head = import_module(".".join(module.relative_to(ROOT).with_suffix("").parts)).HEAD
        about_patients = module.name not in ("rates_csv.py", "metrics_csv.py", "funnel_csv.py")
        assert (CsvColumn.RECORD in head) == about_patients, module  # the looks of a file are recorded by it
        assert all(isinstance(column, CsvColumn) for column in head), module
        assert len(set(head)) == len(head), module
        heads[str(module)] = head
    assert len(heads) >= 6
    assert set(CsvColumn) == {column for head in heads.values() for column in head}


def test_dates_are_written_in_one_form() -> None:
    """By `domain/dates.py` for people, by `csv_file.py` for spreadsheets. The others make no text that people read."""
    own_forms = {
        "cpar_plugin/services/roster/csv_file.py",
        "cpar_plugin/services/history/panel_rows.py",  # a place in the history, in an address
        "cpar_plugin/transport/folder.py",  # names of files
        "oscar_host/demo/data/command.py",  # an option
        "oscar_host/doctor/zones.py",  # what a database is asked
    }
    by_hand = re.compile(r"%Y|%b %d|%-?I:%M")
    results = {
        str(module.relative_to(ROOT)) for module in MODULES if by_hand.search(module.read_text(encoding="utf-8"))
    }
    assert results == own_forms


def test_a_retired_word_in_a_name_is_found() -> None:
    assert named(names_in_code("left_out = tickedRows = mendable = fixed")) == ["left_out", "tickedRows"]
    assert named(names_in_page("<i class='cpar-left-out' name='act'>{% for told in all %}told{% endfor %}</i>")) == [
        "cpar-left-out",
        "told",
    ]
    assert named(names_in_script("// told\nconst stays = `told`; // whom\nfoldTold(); .left-out {}")) == [
        "foldTold",
        "left-out",
        "stays",
    ]


def test_a_retired_word_is_found() -> None:
    assert found_in(seen("<p title='Tick all of them'>{{ one.remedy }}</p>")) == ["Tick all in: Tick all of them"]
    assert found_in(literals('"""Whom."""\nraise Refused(f"{name} goes out tomorrow.")')) == [
        "goes out in: goes out tomorrow."
    ]
    assert found_in(prose("Left\nalone with `mend`, not mended")) == ["mended in: alone with , not mended"]
