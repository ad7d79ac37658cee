"""A folder in place of the machine of a clinic, on which an administrator follows the pages of the docs.

What is installed from elsewhere is there already, and systemd's part, to start what a unit says, is played by a few
lines of shell.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import URL

from .bed import NGINX, PROGRAMS

SHELL = r"""
set -euo pipefail
apt-get() { :; }
useradd() { :; }
userdel() { :; }
python3() { :; }
runuser() { shift 3; "$@"; }
mariadb() { command mariadb --no-defaults $MARIADB "$@"; }
mariadb-dump() { command mariadb-dump --no-defaults $MARIADB "$@"; }
nginx() { "$PROXY" -p "$MACHINE" -e "$MACHINE/nginx.log" -c "$MACHINE/nginx.conf" "$@"; }
install() {
    local kept=()
    while [ $# -gt 0 ]; do case $1 in -[og]) shift 2 ;; *) kept+=("$1"); shift ;; esac; done
    command install "${kept[@]}"
}
of_the_unit() { sed -n "s/^$1=//p" "$MACHINE/etc/systemd/system/cpar.service"; }
gone() { [ ! -e "/proc/$1" ] || grep -q '^State:.*zombie' "/proc/$1/status"; }
systemctl() {
    case $* in
    daemon-reload) ;;
    "enable --now cpar" | "start cpar")
        cd "$MACHINE/var/lib/cpar"
        env $(of_the_unit Environment) $(of_the_unit ExecStartPre) >>"$MACHINE/service.log" 2>&1
        env $(of_the_unit Environment) $(of_the_unit ExecStart) >>"$MACHINE/service.log" 2>&1 </dev/null &
        echo $! >"$MACHINE/service.pid"
        until [ -S "$MACHINE/app.sock" ]; do ! gone $! || return 1; sleep 0.1; done
        cd - >/dev/null
        ;;
    "disable --now cpar" | "stop cpar")
        kill "$(cat "$MACHINE/service.pid")"
        until gone "$(cat "$MACHINE/service.pid")"; do sleep 0.1; done
        ;;
    "restart cpar") systemctl stop cpar; systemctl start cpar ;;
    "reload nginx") if [ -s "$MACHINE/nginx.pid" ]; then nginx -s reload; else nginx; fi ;;
    *) return 1 ;;
    esac
}
"""


@dataclass(frozen=True)
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
        for part in ("var/lib/cpar", "var/log/nginx", "etc/nginx/conf.d", "etc/nginx/snippets", "etc/systemd/system"):
            (self.folder / part).mkdir(parents=True)
        programs = self.folder / "opt/cpar/bin"
        programs.mkdir(parents=True)
        for program in ("cpar", "gunicorn"):
            (programs / program).symlink_to(PROGRAMS / program)
        (programs / "pip").write_text("#!/bin/sh\n")
        (programs / "pip").chmod(0o755)

    def follow(self, *commands: str) -> str:
        """Carry out the commands of a page one after the other, as they stand there; returns what was said."""
        log = self.folder / "shell.log"  # a pipe would stay open as long as what is started here
        socket = self.server.query.get("unix_socket")
        place = f"--socket={socket}" if socket else f"--host={self.server.host} --port={self.server.port or 3306}"
        with log.open("wb") as out:
            done = subprocess.run(
                ["bash", "-c", SHELL + "\n".join(map(self._here, commands))],
                cwd=self.folder,
                env={
                    "PATH": f"{os.environ['PATH']}:/usr/sbin",
                    "LANG": "C.UTF-8",
                    "MACHINE": str(self.folder),
                    "PROXY": NGINX,
                    "MARIADB": f"--user={self.server.username} {place}",
                    "MYSQL_PWD": str(self.server.password or ""),
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                check=False,
            )
        assert done.returncode == 0, log.read_text()
        return log.read_text()

    def _here(self, commands: str) -> str:
        there = "localhost" if "unix_socket" in self.server.query else "'%'"
        for old, new in (
            ("install-oscar ", f"install-oscar {' '.join(self.options)} "),
            ("--databases oscar cpar", f"--databases {self.oscar} {self.own}"),
            ("--one-database cpar", f"--one-database {self.own}"),
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
        found = (str(path.relative_to(self.folder)) for path in self.folder.rglob("*cpar*"))
        return sorted(path for path in found if not path.startswith("root/cpar-backup"))

    def stop(self) -> None:
        """End what runs on it."""
        for pid in ("service.pid", "nginx.pid"):
            with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
                process = psutil.Process(int((self.folder / pid).read_text()))
                process.terminate()
                process.wait()
