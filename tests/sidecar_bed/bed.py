"""All that runs in a clinic: Tomcat with OSCAR's pages, MariaDB, the application in gunicorn, and nginx before them."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import URL

from .oscar import Oscar
from .units import Units

PROGRAMS = Path(sys.executable).parent
PROGRAM = str(PROGRAMS / "cpar")
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "/usr/sbin/nginx"
_MAIN = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ }}
http {{
    access_log {folder}/nginx-access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {files}/nginx-http.conf;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        access_log {folder}/nginx-access.log {log_format};
        {more}
        location / {{
            proxy_pass {oscar};
            {for_oscar}
        }}
        include {files}/nginx-server.conf;
    }}
}}
"""

FOR_OSCAR = """
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
"""


@dataclass
class Bed:
    """One clinic's machine. `files` is what `cpar install-oscar` has written, `options` how it was called."""

    folder: Path
    files: Path
    options: Sequence[str]
    oscar: Oscar
    certificate: tuple[str, str]
    authority: str
    own_database: str
    oscar_database: str
    account: str
    headers: str = ""
    for_oscar: str = FOR_OSCAR
    oscar_server: str = ""
    log_format: str = "cpar_site"
    _nginx: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _units: Units | None = field(default=None, repr=False)
    _unusual: bool = False

    @property
    def site(self) -> str:
        """Where browsers find all of it."""
        return f"https://127.0.0.1:{self.oscar.site_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the service's commands get."""
        return {
            "CPAR_SETTINGS": str(self.files / "cpar.ini"),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
        }

    def cpar(self, *arguments: str) -> str:
        """Run a command as the service's user would."""
        result = subprocess.run(
            [PROGRAM, *arguments], env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    @property
    def units(self) -> Units:
        """What systemd does with the units as they were written."""
        if self._units is None:
            self._units = Units(self.files, self.folder / "application.log", self.environment)
        return self._units

    def start_application(self) -> None:
        self.units.start("cpar.socket", "cpar")

    def stop_application(self) -> None:
        """Until it is started again nothing answers, and nothing waits."""
        self.units.stop_all()

    def log(self) -> str:
        """What the application has logged."""
        return (self.folder / "application.log").read_text()

    def start_nginx(self, *more: str) -> None:
        """With the files as written with `more` options."""
        files = self.files
        if more:
            files = self.folder / "-".join(part.strip("-") for part in more)
            if not files.exists():
                self.cpar("install-oscar", "--write", str(files), *self.options, *more)
        self._nginx = self._start_nginx(files)
        if self._nginx is None:
            pytest.fail((self.folder / "nginx-error.log").read_text())

    def _start_nginx(self, files: Path) -> subprocess.Popen[bytes] | None:
        configuration = self.folder / "nginx.conf"
        certificate, key = self.certificate
        configuration.write_text(
            _MAIN.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=self.folder,
                files=files,
                port=self.oscar.site_port,
                certificate=certificate,
                key=key,
                oscar=self.oscar_server or self.oscar.url.removesuffix("/oscar"),
                for_oscar=self.for_oscar,
                more=self.headers,
                log_format=self.log_format,
            )
        )
        process = subprocess.Popen(
            [NGINX, "-p", str(self.folder), "-e", "nginx-error.log", "-c", str(configuration), "-g", "daemon off;"],
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None:
            if (self.folder / "nginx.pid").exists() and _answers(("127.0.0.1", self.oscar.site_port)):
                return process
            time.sleep(0.05)
        return None

    def stop_nginx(self) -> None:
        if self._nginx:
            self._nginx.terminate()
            self._nginx.wait()
            self._nginx = None

    def restart_nginx(
        self,
        *more: str,
        headers: str = "",
        for_oscar: str = FOR_OSCAR,
        oscar_server: str = "",
        log_format: str = "cpar_site",
    ) -> None:
        """nginx as `cpar install-oscar` makes it with the options `more`, until `as_usual`.

        `headers` are directives that the clinic's own block has besides, `for_oscar` those for OSCAR, `log_format` is
        that of its log, and `oscar_server` is another server than that of the files.
        """
        self.headers, self.for_oscar, self.oscar_server = headers, for_oscar, oscar_server
        self.log_format = log_format
        self.stop_nginx()
        self.start_nginx(*more)
        self._unusual = True

    def as_usual(self) -> None:
        """OSCAR and nginx as most clinics have them. Nobody may have a page open that is still loading."""
        self.oscar.as_usual()
        if self._unusual:
            self.restart_nginx()
            self._unusual = False

    @contextmanager
    def running(self) -> Iterator["Bed"]:
        with ExitStack() as stack:
            stack.callback(self.stop_application)
            self.start_application()
            stack.callback(self.stop_nginx)
            self.start_nginx()
            yield self


def mariadb_client(server: URL, sql: str) -> subprocess.CompletedProcess[str]:
    """Hand SQL to MariaDB's own client, as the administrator."""
    place = (
        [f"--socket={server.query['unix_socket']}"]
        if "unix_socket" in server.query
        else ["--protocol=tcp", f"--host={server.host}", f"--port={server.port or 3306}"]
    )
    return subprocess.run(
        ["mariadb", "--no-defaults", f"--user={server.username}", *place],
        input=sql,
        env=os.environ | {"MYSQL_PWD": str(server.password or "")},
        capture_output=True,
        text=True,
        check=False,
    )


def _answers(place: tuple[str, int]) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(place) == 0
