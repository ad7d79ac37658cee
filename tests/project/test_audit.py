"""`make audit`, with a stand-in for the index and for pip-audit: what it says when what can be reached."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "audit.py"
FLASK = version("flask")


@pytest.fixture
def index() -> Iterator[dict[str, Any]]:
    """What the index's pages say, by project, and under `address` where it is. Others are not found, as on a mirror."""
    pages: dict[str, Any] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.split("/")[2])
            body = json.dumps(page).encode()
            self.send_response(200 if page else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        pages["address"] = f"http://127.0.0.1:{server.server_port}"
        yield pages
        server.shutdown()


def audit(
    folder: Path, *options: str, index: str, advisories: Mapping[str, list[str]] | None = None, lines: str = ""
) -> Any:
    """Run it. `told`: advisories by package, as pip-audit knows them; None: it skips everything."""
    known = [
        {"name": name, "version": "1", "vulns": [{"id": one} for one in ids]}
        for name, ids in (advisories or {}).items()
    ]
    skipped = [{"name": "werkzeug", "skip_reason": "Dependency not found on PyPI and could not be audited"}]
    program = folder / "pip-audit"
    program.write_text(
        f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{json.dumps({'dependencies': known + skipped})}\nEND\n"
    )
    program.chmod(0o755)
    list_ = folder / "audited.txt"
    list_.write_text(lines)
    where = ["--pip-audit", str(program), "--index", index, "--list", str(list_)]
    return subprocess.run([sys.executable, SCRIPT, *where, *options], capture_output=True, text=True, check=False)


def test_a_known_vulnerability_fails_whichever_source_lists_it(tmp_path: Path, index: dict[str, Any]) -> None:
    index["flask"] = {"info": {"version": FLASK}, "vulnerabilities": [{"id": "PYSEC-1", "withdrawn": None}]}
    result = audit(tmp_path, index=index["address"], advisories={"jinja2": ["PYSEC-2"]})
    assert result.returncode == 1
    assert f"Vulnerable: flask {FLASK}: PYSEC-1\n" in result.stdout
    assert f"Vulnerable: jinja2 {version('jinja2')}: PYSEC-2\n" in result.stdout
    accepted = audit(tmp_path, index=index["address"], lines=f"flask {FLASK} 2026-11-28 PYSEC-1  # not used here\n")
    assert accepted.returncode == 0


def test_what_the_index_shows_another_version_says_nothing_of_ours(tmp_path: Path, index: dict[str, Any]) -> None:
    index["flask"] = {"info": {"version": "999"}, "vulnerabilities": []}
    assert f"flask {FLASK}" in audit(tmp_path, index=index["address"]).stdout.partition("no source lists")[2]


def test_without_a_network_the_dated_list_counts_and_what_it_does_not_name_is_reported(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    result = audit(tmp_path, index=nowhere, lines=f"flask {FLASK} 2020-01-01 none\njinja2 0.1 2026-11-28 none\n")
    assert result.returncode == 0
    assert "1 by audited.txt, of 2020-01-01 and later.\nWarning: that is older than 90 days." in result.stdout
    unknown = result.stdout.partition("no source lists")[2]
    assert f"jinja2 {version('jinja2')}" in unknown  # another version than the one that was audited
    assert f"flask {FLASK}" not in unknown
    assert audit(tmp_path, "--strict", index=nowhere).returncode == 1


def test_the_list_is_written_again_from_what_is_reported(tmp_path: Path, index: dict[str, Any]) -> None:
    index["flask"] = {"info": {"version": FLASK}, "vulnerabilities": []}
    audit(tmp_path, "--write", index=index["address"], lines="jinja2 0.1 2026-11-28 PYSEC-3\n")
    written = (tmp_path / "audited.txt").read_text().splitlines()
    assert written[1].startswith(f"flask {FLASK} 20")
    assert written[2:] == ["jinja2 0.1 2026-11-28 PYSEC-3"]
