"""The picture of the states in the docs is the truth."""

import re
from pathlib import Path

from cpar_plugin.domain.submission import FINAL, NEXT, SubmissionState
from cpar_plugin.services.submissions.texts import STATE

PAGE = (Path(__file__).parents[2] / "docs/explanation/submissions.md").read_text(encoding="utf-8")


def arrows() -> set[tuple[str, str]]:
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    return {(a.replace("_", "-"), b.replace("_", "-")) for a, b in re.findall(r"(\S+) --> ([\w-]+|\[\*\])", diagram)}


def test_the_picture_shows_every_transition_and_no_other() -> None:
    between = {pair for pair in arrows() if "[*]" not in pair}
    assert between == {(state.value, following.value) for state in SubmissionState for following in NEXT[state]}


def test_the_picture_ends_where_a_submission_ends() -> None:
    assert {state for state, end in arrows() if end == "[*]"} == {state.value for state in FINAL}


def test_the_table_explains_every_state_in_the_words_of_the_pages() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
    assert rows == {state.value: STATE[state] for state in SubmissionState}
