"""A folder in place of the machine of a clinic, on which an administrator follows the pages of the docs.

What is installed from elsewhere is there already.
"""

import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread

import psutil
from sqlalchemy import URL

from .bed import NGINX, PROGRAMS
from .units import Units

SHELL = r"""
set -euo pipefail
apt-get() { :; }
useradd() { :; }
userdel() { :; }
python3() {
    mkdir "$3" "$3/bin"
    ln -s "$PROGRAMS/cpar" "$PROGRAMS/gunicorn" "$3/bin"
    printf '#!/bin/sh\n' >"$3/bin/pip"
    chmod 755 "$3/bin/pip"
}
runuser() { shift 3; "$@"; }
mariadb() { command mariadb --no-defaults $MARIADB "$@"; }
mariadb-dump() { command mariadb-dump --no-defaults $MARIADB "$@"; }
nginx() { "$PROXY" -p "$MACHINE" -e "$MACHINE/nginx.log" -c "$MACHINE/nginx.conf" "$@"; }
install() {
    local kept=()
    while [ $# -gt 0 ]; do case $1 in -[og]) shift 2 ;; *) kept+=("$1"); shift ;; esac; done
    command install "${kept[@]}"
}
systemctl() {
    if [ "$*" = "reload nginx" ]; then
        if [ -s "$MACHINE/nginx.pid" ]; then nginx -s reload; else nginx; fi
    else
        "$PYTHON" -c 'import sys
from multiprocessing.connection import Client
with Client(sys.argv[1]) as systemd:
    systemd.send(sys.argv[2:])
    sys.exit(systemd.recv())' "$MACHINE/systemd" "$@"
    fi
}
"""


@dataclass
class Machine:
    """The folder, MariaDB as its administrator reaches it, and the names in place of `oscar`, `cpar` and `cpar`.

    `options` are those of `cpar install-oscar` on this machine.
    """

    folder: Path
    server: URL
    oscar: str
    own: str
    account: str
    options: Sequence[str]

    def __post_init__(self) -> None:
        nginx = ("var/log/nginx", "etc/nginx/conf.d", "etc/nginx/snippets")
        for part in ("var/lib/cpar", "opt", "etc/systemd/system", *nginx):
            (self.folder / part).mkdir(parents=True)

    def follow(self, *commands: str) -> str:
        """Carry out the commands of a page one after the other, as they stand there; returns what was said."""
        log = self.folder / "shell.log"  # a pipe would stay open as long as what is started here
        socket = self.server.query.get("unix_socket")
        place = f"--socket={socket}" if socket else f"--host={self.server.host} --port={self.server.port or 3306}"
        with log.open("wb") as out, self._systemd():
            result = subprocess.run(
                ["bash", "-c", SHELL + "\n".join(map(self._here, commands))],
                cwd=self.folder,
                env={
                    "PATH": f"{os.environ['PATH']}:/usr/sbin",
                    "LANG": "C.UTF-8",
                    "MACHINE": str(self.folder),
                    "PROGRAMS": str(PROGRAMS),
                    "PROXY": NGINX,
                    "PYTHON": sys.executable,
                    "MARIADB": f"--user={self.server.username} {place}",
                    "MYSQL_PWD": str(self.server.password or ""),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=False,
            )
        assert result.returncode == 0, log.read_text()
        return log.read_text()

    @cached_property
    def units(self) -> Units:
        return Units(
            self.folder / "etc/systemd/system",
            self.folder / "service.log",
            {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )

    @contextmanager
    def _systemd(self) -> Iterator[None]:
        """Does what `systemctl` tells it."""
        place = str(self.folder / "systemd")
        with Listener(place) as listener:

            def obey() -> None:
                while True:
                    with listener.accept() as systemctl:
                        match systemctl.recv():
                            case []:
                                return
                            case order:
                                systemctl.send(self._obey(order))

            thread = Thread(target=obey)
            thread.start()
            yield
            with Client(place) as systemctl:
                systemctl.send([])
            thread.join()

    def _obey(self, order: list[str]) -> int:
        """The exit code."""
        try:
            match order:
                case ["daemon-reload"]:
                    pass
                case ["enable", "--now", *names] | ["start", *names]:
                    self.units.start(*names)
                case ["disable", "--now", *names] | ["stop", *names]:
                    self.units.stop(*names)
                case ["restart", *names]:
                    self.units.restart(*names)
                case _:
                    return 1
        except Exception:
            traceback.print_exc()
            return 1
        return 0

    def _here(self, commands: str) -> str:
        there = "localhost" if "unix_socket" in self.server.query else "'%'"
        for old, new in (
            ("install-oscar ", f"install-oscar {' '.join(self.options)} "),
            ("--databases oscar cpar", f"--databases {self.oscar} {self.own}"),
            ("--one-database cpar", f"--one-database {self.own}"),
            ("mariadb oscar", f"mariadb {self.oscar}"),
            (
                "DROP DATABASE cpar; DROP USER cpar@localhost",
                f"DROP DATABASE {self.own}; DROP USER {self.account}@{there}",
            ),
            ("-C /", f"-C {self.folder}/"),
        ):
            commands = commands.replace(old, new)
        return re.sub(r"(?<![\w.-])/(?=(opt|root|etc|var)/)", f"{self.folder}/", commands)

    def ours(self) -> list[str]:
        """What of ours is on it, but for backups."""
        result = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*cpar*"))
        return sorted(path for path in result if not path.startswith("root/cpar-backup"))

    def stop(self) -> None:
        """End what runs on it."""
        self.units.stop_all()
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            process = psutil.Process(int((self.folder / "nginx.pid").read_text()))
            process.terminate()
            process.wait()
