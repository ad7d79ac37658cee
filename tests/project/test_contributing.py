"""What CONTRIBUTING says to touch exists, and adding one of the usual things takes six places at most."""

import re
from pathlib import Path

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.wording import WORDING

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_each_recipe_names_six_places_at_most_and_each_is_there() -> None:
    recipes = re.findall(r"^\*\*(an? .+)\*\*\n((?:\d\. .+\n)+)", CONTRIBUTING, re.MULTILINE)
    assert [name for name, _ in recipes] == [
        "an exclusion reason",
        "a search parameter",
        "a bulk order",
        "a page",
        "a `cpar doctor` check",
        "a table or a column of ours",
    ]
    for name, steps in recipes:
        places = re.findall(r"^\d\. `([^`]+)`", steps, re.MULTILINE)
        assert len(places) == len(steps.splitlines()) <= 6, name
        assert [place for place in places if not (ROOT / place).exists()] == [], name


def test_every_reason_has_its_words_and_existing_fields_in_its_one_entry() -> None:
    for reason in Reason:
        assert (reason.label, reason.remedy) == (WORDING[reason].label, WORDING[reason].remedy)
        assert Reason(reason.value) is reason


def test_every_parameter_of_search_is_in_the_table_of_the_interface() -> None:
    from cpar_plugin.services.fhir.search.table import SEARCHABLE

    page = (ROOT / "docs/reference/fhir-interface.md").read_text(encoding="utf-8")
    result = re.findall(r"^\| ([A-Z][\w, ]+) \| (`[^|]+?) \|", page, re.MULTILINE)
    rows = {kind: cells for kinds, cells in result for kind in kinds.split(", ")}
    for kind, searchable in SEARCHABLE.items():
        named = set(re.findall(r"`([a-zA-Z_-]+)`", rows[kind]))
        assert {name for name in searchable.parameters if not name.startswith("_")} == named, kind
