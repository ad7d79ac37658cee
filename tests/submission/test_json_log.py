"""The log as JSON: what a program that collects logs finds by clinic, panel, submission and trace."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.json_lines import JsonLines, decide
from cpar_plugin.tracing import about

CPAR = Path(sys.executable).with_name("cpar")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"CPAR_LOG_FORMAT": "json"}


def logged(environment: dict[str, str], expected_code: int = 0) -> list[dict[str, Any]]:
    result = subprocess.run([CPAR, "run-due"], env=os.environ | environment, capture_output=True, text=True)
    assert result.returncode == expected_code, result.stderr
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Error: ")]
    return [json.loads(line) for line in lines]


def test_each_line_names_panel_and_submission_and_all_of_a_run_share_a_trace(
    world: Any, environment: dict[str, str]
) -> None:
    panels = [world.panel(f"P{number}", last_name="Unmistakable") for number in range(3)]
    lines = logged(environment)
    assert {line["panel"] for line in lines} == set(panels)
    assert len({line["submission"] for line in lines}) == 3
    assert {line["level"] for line in lines} == {"info"}
    (trace,) = {line["trace"] for line in lines}
    assert len(trace) == 32
    for panel in panels:
        answer, result = (line["message"] for line in lines if line["panel"] == panel)
        assert "attempt 1: written" in answer
        assert "written" in result
    assert "Unmistakable" not in json.dumps(lines)


def test_another_run_has_another_trace(world: Any, environment: dict[str, str]) -> None:
    world.panel()
    first = logged(environment)
    world.panel("P2")
    world.host.database.engine.dispose()
    second = logged(environment | {"CPAR_NOW": "2026-12-07T03:20"})
    assert first
    assert second
    assert not {line["trace"] for line in first} & {line["trace"] for line in second}


def test_processes_that_submit_alongside_have_the_trace_of_the_run(world: Any, environment: dict[str, str]) -> None:
    for number in range(24):
        world.panel(f"P{number}")
    lines = logged(environment)
    assert len({line["submission"] for line in lines}) == 24
    assert len({line["trace"] for line in lines}) == 1


def test_another_format_is_refused_with_what_to_set(environment: dict[str, str]) -> None:
    result = subprocess.run(
        [CPAR, "run-due"], env=os.environ | environment | {"CPAR_LOG_FORMAT": "xml"}, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "Set log_format to text (the default) or to json." in result.stderr


@pytest.mark.parametrize("choice", ["JSON", "yes"])
def test_a_format_is_written_as_it_is_called(choice: str) -> None:
    with pytest.raises(Refused):
        decide(choice)


def test_an_error_is_logged_by_its_kind_and_place_and_never_by_its_text() -> None:
    try:
        raise ValueError("Unmistakable, Name")
    except ValueError:
        record = logging.LogRecord("cpar_plugin", logging.ERROR, __file__, 1, "job %s failed", ("x",), sys.exc_info())
    with about(clinic="north", trace="0" * 32):
        line = json.loads(JsonLines().format(record))
    assert "Unmistakable" not in json.dumps(line)
    assert (line["message"], line["error"], line["clinic"], line["trace"]) == (
        "job x failed",
        "ValueError",
        "north",
        "0" * 32,
    )
    assert line["location"].startswith("test_json_log.py:")
