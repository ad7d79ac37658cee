"""The docs are tried: their commands run, their links lead somewhere, their options exist."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest

from cpar_plugin.commands import cpar
from cpar_plugin.settings import load
from oscar_host.demo.ports import free_port

from ..conftest import ALBERTA

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BESIDE_OSCAR, BACK_UP, UPDATE, REMOVE = ON_A_MACHINE = [
    ROOT / f"docs/how-to/{name}.md" for name in ("install-alongside-oscar", "back-up", "update", "remove")
]  # followed beside the real programs, by tests of their own
PORT = "8123"  # at which the pages let a server listen
GOES_ON_FROM = re.compile(r"continues from\s\[[^]]+\]\(([^)]+)\),\ssteps\s1\sto\s(\d)")

# What `make` would do takes minutes and is tried elsewhere: here its target must exist. A page that goes on after
# `make demo` gets a demo to go on with.
PRELUDE = r"""
set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
make() {
    command make --dry-run -C "$CHECKOUT" "$@" >/dev/null
    if [ "$1" = demo ] && [ "$GOES_ON" = True ]; then
        cpar demo --patients 500 >demo.log 2>&1 &
        for _ in $(seq 600); do grep -q 'Ctrl+C' demo.log && return; sleep 0.1; done
        cat demo.log; return 1
    fi
}
"""


def blocks(page: str, kind: str) -> list[str]:
    result = re.findall(rf"^( *)```{kind}\n(.*?)^ *```$", page, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(code) for _, code in result]


def commands_of(page: Path) -> list[str]:
    """A page's commands; before them those of the page that it goes on from, up to the step that it names."""
    content = page.read_text(encoding="utf-8")
    before = GOES_ON_FROM.search(content)
    if not before:
        return blocks(content, "sh")
    first, last = before.groups()
    steps, _, _ = (page.parent / first).read_text(encoding="utf-8").partition(f"\n## {int(last) + 1}. ")
    return [*blocks(steps, "sh"), *blocks(content, "sh")]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def run(commands: list[str], folder: Path) -> None:
    programs = Path(sys.executable).parent
    (folder / ".venv").symlink_to(programs.parent)
    env = {
        "PATH": f"{programs}:/usr/bin:/bin:/usr/sbin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "CHECKOUT": str(ROOT),
        "GOES_ON": str(any("cpar " in command for command in commands)),
    }
    result = subprocess.run(
        ["bash", "-c", PRELUDE + "\n".join(commands)],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def with_commands() -> list[Path]:
    return [page for page in PAGES if blocks(page.read_text(encoding="utf-8"), "sh") and page not in ON_A_MACHINE]


def of_its_size(page: Path) -> Any:
    """Most how-to guides start a demo, and some twenty programs after each other."""
    return pytest.param(page, marks=pytest.mark.large) if page.parent.name == "how-to" else page


@pytest.mark.parametrize("page", [*map(of_its_size, with_commands())], ids=name_of)
def test_the_commands_of_a_page_work_one_after_the_other(page: Path, tmp_path: Path) -> None:
    next_night = load({}).calendar(ALBERTA).run_date(datetime.now(UTC))
    port = str(free_port())
    changed = [
        command.replace("--now 2026-12-01T", f"--now {next_night}T").replace(PORT, port)
        for command in commands_of(page)
    ]
    run(changed, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        place, _, heading = target.partition("#")
        file = (page.parent / place) if place else page
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}  # as GitHub does
            assert heading in slugs, target


@pytest.fixture(scope="module")
def commands() -> Mapping[str, click.Command]:
    for result in entry_points(group="cpar.commands"):
        result.load()(cpar)
    return cpar.commands


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_names_exists_with_the_options_it_names(
    page: Path, commands: Mapping[str, click.Command]
) -> None:
    content = page.read_text(encoding="utf-8")
    code = "\n".join([*re.findall(r"`([^`\n]+)`", content), *blocks(content, r"\w*")])
    for name, options in re.findall(r"\bcpar (?:--host \w+ )?([a-z][a-z-]+)((?: --?[\w-]+(?:[ =][^\s-]\S*)?)*)", code):
        context = commands[name].make_context(name, [], resilient_parsing=True)
        options_of = (option for one in context.command.params for option in (*one.opts, *one.secondary_opts))
        known = {*options_of, "--help", "-h"}
        assert set(re.findall(r"(?<= )--?[a-z][\w-]*", options)) <= known, name


def test_the_readme_names_everything_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    top = {line.split("/")[0] for line in listed.splitlines()} or {
        path.name for path in ROOT.iterdir() if not path.name.endswith(".egg-info")
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [
        name for name in sorted(top) if not name.startswith(".") and name not in readme and name != "README.md"
    ] == []
