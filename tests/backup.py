"""A backup of a clinic and putting it back, as the page about backups says it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from oscar_host.host import OscarHost

from .conftest import Place
from .project.test_docs import BACK_UP, blocks


class Backup:
    """Of one clinic. SQLite: its file. MariaDB: a dump by the commands of the page; our database is put back."""

    def __init__(self, host: OscarHost, place: Place, folder: Path, server: Callable[[], URL]) -> None:
        self._host, self._place, self._folder, self._server = host, place, folder, server

    def make(self) -> None:
        self._host.database.engine.dispose()
        if file := self._file:
            shutil.copy(file, self._folder / "backup.db")
        else:
            self._follow("mariadb-dump ")

    def restore(self) -> None:
        self._host.database.engine.dispose()
        if file := self._file:
            for left in file.parent.glob(f"{file.name}-*"):  # of its write-ahead log
                left.unlink()
            shutil.copy(self._folder / "backup.db", file)
        else:
            self._follow("mariadb ")

    @property
    def _file(self) -> Path | None:
        url = make_url(self._place.url)
        return Path(url.database or "") if url.get_backend_name() == "sqlite" else None

    def _follow(self, program: str) -> None:
        """Carry out the command of the page that begins so, with the names that things have here."""
        own, oscar = make_url(self._place.url).database, self._place.host_schema
        commands = "\n".join(blocks(BACK_UP.read_text(encoding="utf-8"), "sh")[:2]).splitlines()
        [command] = [line for line in commands if line.startswith(program)]
        for old, new in (
            ("--databases oscar cpar", f"--databases {oscar} {own}"),
            ("--one-database cpar", f"--one-database {own}"),
            ("/root/cpar-backup", str(self._folder)),
        ):
            command = command.replace(old, new)
        server = self._server()
        socket = server.query.get("unix_socket")
        at = f"--socket={socket}" if socket else f"--host={server.host} --port={server.port or 3306}"
        command = command.replace(program, f"{program}--no-defaults --user={server.username} {at} ", 1)
        password = {"MYSQL_PWD": str(server.password or "")}
        result = subprocess.run(["sh", "-c", command], env=os.environ | password, capture_output=True, check=False)
        assert result.returncode == 0, result.stderr


@pytest.fixture
def backup(host: OscarHost, place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Backup:
    """Of the clinic of this test."""
    folder = tmp_path / "backup"
    folder.mkdir()
    return Backup(host, place, folder, lambda: request.getfixturevalue("mariadb_server"))
