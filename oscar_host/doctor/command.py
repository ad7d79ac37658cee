"""`cpar doctor`: look at a host, and say in plain words what is wrong and how to fix it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.text import Text

from cpar_plugin.domain.exhaustive import exhaustive
from cpar_plugin.hooks import HealthLevel

from .examination import Finding, examine

_COLOURS: Final = exhaustive(
    __name__, HealthLevel, {HealthLevel.OK: "green", HealthLevel.WARNING: "yellow", HealthLevel.FAILURE: "bold red"}
)
_COUNTED: Final = (HealthLevel.WARNING, HealthLevel.FAILURE)
_WIDTH: Final = len(HealthLevel.FAILURE) + 2
_NOT_CHECKED: Final = "Not checked because of the failures above"


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For monitoring: output one JSON document.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check this host, and say how to fix what is wrong. Exit code 1 when something does not work.

    Nothing is changed, no patient is named, nothing is sent to the registry but a request for its description.
    """
    levels = _as_json(examine()) if as_json else _as_lines(examine())
    ctx.exit(1 if levels[HealthLevel.FAILURE] else 0)


def _as_lines(findings: Iterator[Finding]) -> Counter[HealthLevel]:
    console = Console(highlight=False, soft_wrap=True)
    levels, not_checked = Counter[HealthLevel](), []
    for finding in findings:
        health = finding.health
        if health is None:
            not_checked.append(finding.name)
            continue
        levels[health.level] += 1
        level = Text(f"{health.level:{_WIDTH}}", _COLOURS[health.level])
        console.print(Text.assemble(level, f"{finding.name}: {health.message}"))
        if health.level is not HealthLevel.OK and health.remedy:
            console.print(Text(f"{'':{_WIDTH}}How to fix: {health.remedy}"))
    if not_checked:
        console.print(Text(f"{_NOT_CHECKED}: {', '.join(not_checked)}."))
    console.print(Text(_summary(levels)))
    return levels


def _summary(levels: Counter[HealthLevel]) -> str:
    counts = (f"{levels[level]} {level}{'' if levels[level] == 1 else 's'}" for level in _COUNTED)
    return f"{levels[HealthLevel.OK]} ok, {', '.join(counts)}."


def _as_json(findings: Iterable[Finding]) -> Counter[HealthLevel]:
    checks: list[dict[str, Any]] = []
    levels, not_checked = Counter[HealthLevel](), []
    for finding in findings:
        health = finding.health
        if health is None:
            not_checked.append(finding.name)
            continue
        levels[health.level] += 1
        checks.append({"name": finding.name, "level": health.level, "message": health.message, "remedy": health.remedy})
    worst = next((level for level in reversed(HealthLevel) if levels[level]), HealthLevel.OK)
    document = {"level": worst, "checks": checks, "not_checked": not_checked}
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    return levels
