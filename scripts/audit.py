"""Which of the packages that the product runs with have known vulnerabilities: `make audit`.

Sources, in this order: pip-audit, which reads a version's advisories from the index; the index's page of the project,
which lists those of the latest version, if that is the one installed; and `scripts/audited.txt`, the advisories known
at its date. Exit code 1 for a known vulnerability that this list does not accept, and for nothing else: a network that
cannot be reached leaves more to the list, with a message. With `--strict`, for a release, also for a version that no
source lists.
"""

import argparse
import datetime as dt
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

import click
from packaging.requirements import Requirement

LIST = Path(__file__).with_name("audited.txt")
PROJECT = "oscar-cpar-plugin"
OLD = dt.timedelta(days=90)


class Audited(NamedTuple):
    """A line of the list."""

    version: str
    on: dt.date
    accepted: frozenset[str]  # advisories that do not apply to us or that we accept; the list says why


def installed(root: str = PROJECT) -> dict[str, str]:
    """What the project needs to run, what that needs, and so on, as it is installed here: versions by name."""
    versions: dict[str, str] = {}
    waiting = [root]
    while waiting:
        for text in distribution(waiting.pop()).requires or ():
            need = Requirement(text)
            name = re.sub(r"[-_.]+", "-", need.name).lower()
            if name in versions or not (need.marker is None or need.marker.evaluate({"extra": ""})):
                continue
            try:
                versions[name] = distribution(name).version
            except PackageNotFoundError:
                continue
            waiting.append(name)
    return dict(sorted(versions.items()))


def audited(file: Path) -> dict[str, Audited]:
    """The list, by name."""
    rows = (line.split("#")[0].split() for line in file.read_text(encoding="utf-8").splitlines())
    return {
        row[0]: Audited(row[1], dt.date.fromisoformat(row[2]), frozenset(row[3:]) - {"none"}) for row in rows if row
    }


def by_pip_audit(program: str, packages: dict[str, str]) -> dict[str, list[str]]:
    """Advisories by package, for the packages it knows; those it skips are missing here."""
    pins = "".join(f"{name}=={version}\n" for name, version in packages.items())
    command = [
        program,
        "--requirement",
        "/dev/stdin",
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--timeout",
        "15",
    ]
    try:
        completed = subprocess.run(command, input=pins, capture_output=True, text=True, timeout=300, check=False)
        dependencies = json.loads(completed.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        return {}
    return {
        entry["name"]: [vulnerability["id"] for vulnerability in entry["vulns"]]
        for entry in dependencies
        if "vulns" in entry
    }


def by_index(index: str, name: str, version: str) -> list[str] | None:
    """Advisories of the latest version, None where that is not the one installed or the index does not answer."""
    try:
        with urllib.request.urlopen(f"{index}/pypi/{name}/json", timeout=15) as answer:
            page: dict[str, Any] = json.load(answer)
        if page["info"]["version"] != version:
            return None
        return [entry["id"] for entry in page["vulnerabilities"] if not entry.get("withdrawn")]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pip-audit", default="pip-audit")
    options.add_argument("--index", default="https://pypi.org")
    options.add_argument("--list", type=Path, default=LIST)
    options.add_argument("--write", action="store_true", help="write the list again from the current advisories")
    options.add_argument("--strict", action="store_true")
    given = options.parse_args()
    packages, known = installed(), audited(given.list) if given.list.exists() else {}
    advisories = by_pip_audit(given.pip_audit, packages)
    click.echo(f"{len(advisories)} of {len(packages)} packages by pip-audit.")
    latest = {name: by_index(given.index, name, packages[name]) for name in packages if name not in advisories}
    by_page = {name: listed for name, listed in latest.items() if listed is not None}
    click.echo(f"{len(by_page)} by the index's page of the latest version.")
    advisories |= by_page
    if given.write:
        given.list.write_text("".join(_lines(packages, known, advisories)), encoding="utf-8")
    bad, unknown = [], []
    for name, version in packages.items():
        line = known.get(name)
        if name in advisories:
            accepted = line.accepted if line else frozenset()
            bad += [f"{name} {version}: {advisory}" for advisory in advisories[name] if advisory not in accepted]
        elif line is None or line.version != version:
            unknown.append(f"{name} {version}")
    listed = [name for name in packages if name not in advisories and f"{name} {packages[name]}" not in unknown]
    oldest = min((known[name].on for name in listed), default=None)
    click.echo(f"{len(listed)} by {given.list.name}" + (f", of {oldest} and later." if oldest else "."))
    if oldest and dt.datetime.now(dt.UTC).date() - oldest > OLD:
        click.echo(
            f"Warning: that is older than {OLD.days} days. Where advisories can be read: make audit ARGS=--write"
        )
    if unknown:
        click.echo(f"Warning: no source lists {len(unknown)} versions: {', '.join(unknown)}.")
    for advisory in bad:
        click.echo(f"Vulnerable: {advisory}")
    return 1 if bad or (unknown and given.strict) else 0


def _lines(packages: dict[str, str], known: dict[str, Audited], advisories: dict[str, list[str]]) -> Iterator[str]:
    """The current advisories, dated today; else what was known before."""
    yield "# What `make audit` falls back on: package, version, date, advisories that are accepted, or none.\n"
    today = dt.datetime.now(dt.UTC).date()
    for name, version in packages.items():
        before = known.get(name)
        if name in advisories and not advisories[name]:
            yield f"{name} {version} {today} none\n"
        elif before:
            yield f"{name} {before.version} {before.on} {' '.join(sorted(before.accepted)) or 'none'}\n"


if __name__ == "__main__":
    sys.exit(main())
