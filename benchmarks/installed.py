"""A clinic's machine as `cpar install-oscar` makes it: nginx, the application in gunicorn, and the database."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

import orjson
import psutil
from joserfc.jwk import ECKey

from cpar_plugin.hooks import Plugins
from cpar_plugin.services.clients import registry, tokens
from oscar_host.accounts import Account
from oscar_host.host import OscarHost, open_host
from oscar_host.install.installation import Installation, files
from oscar_host.sidecar.app import create_app

from .big_clinic import NOW

PATH = "/oscar/cpar"
_PROGRAMS = Path(sys.executable).parent
_NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
_MAIN = """
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/nginx-http.conf;
    server {{
        listen 127.0.0.1:{port};
        include {folder}/nginx-server.conf;
    }}
}}
"""


@dataclass(frozen=True)
class Installed:
    """The running installation: where nginx answers, and who is known there."""

    port: int
    token: str
    cookie: str
    application: psutil.Process

    def cpu_seconds(self) -> float:
        """What the application's processes have used of the processor so far."""
        processes = [self.application, *self.application.children(recursive=True)]
        return float(sum(times.user + times.system for times in (process.cpu_times() for process in processes)))

    def mebibytes(self) -> float:
        """The memory of the application's processes, what they share counted once (PSS)."""
        processes = [self.application, *self.application.children(recursive=True)]
        return float(sum(process.memory_full_info().pss for process in processes)) / 1024**2


@contextmanager
def installed(host: OscarHost) -> Iterator[Installed]:
    """Install alongside the clinic of this host, to which `pages.manager` was given, and serve while the block runs.

    People sign in with a password, so that no OSCAR has to run.
    """
    with TemporaryDirectory(prefix="cpar-bench-") as name:
        folder = Path(name)
        installation = _installation(folder)
        for file in files(installation):
            (folder / file.name).write_text(file.text)
        url = host.database.engine.url.render_as_string(hide_password=False)
        schema = host.tables.demographic.schema
        own = f"database_url = {url}\n" + (f"host_schema = {schema}\n" if schema else "")
        ini = folder / "cpar.ini"
        kept = [line for line in ini.read_text().splitlines() if not line.startswith(("database_url", "host_schema"))]
        more = f"{own}now = {NOW.isoformat()}\nfhir_requests_per_minute = 1000000000\n"
        ini.write_text("\n".join(kept) + "\n" + more)
        token, cookie = _token(host), _cookie(host, ini)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "nginx.conf").write_text(
            _MAIN.format(folder=folder, port=port, user="user root;" if os.geteuid() == 0 else "")
        )
        with _running(folder, _gunicorn(folder)) as process:
            yield Installed(port, token, cookie, psutil.Process(process.pid))


def _gunicorn(folder: Path) -> list[str]:
    settings = ["--config", "python:oscar_host.sidecar.gunicorn_settings", "--bind", f"unix:{folder / 'app.sock'}"]
    return [str(_PROGRAMS / "gunicorn"), *settings, "oscar_host.sidecar:app()"]


def _installation(folder: Path) -> Installation:
    return Installation.model_validate(
        {
            "oscar_url": "http://127.0.0.1:1/oscar",
            "server_name": "emr.example",
            "sign_in": "password",
            "mariadb": "/unused",
            "oscar_database": "oscar",
            "own_database": "cpar",
            "account": "cpar",
            "account_host": "localhost",
            "programs": str(_PROGRAMS),
            "settings_file": str(folder / "cpar.ini"),
            "state_folder": str(folder),
            "log_folder": str(folder),
            "socket": str(folder / "app.sock"),
            "system_user": "cpar",
        }
    )


def _token(host: OscarHost) -> str:
    """That of a client which may read everything."""
    key = ECKey.generate_key("P-384").as_dict(private=False) | {"kid": "1", "alg": "ES384", "use": "sig"}
    draft = registry.ClientDraft(
        name=f"Network {secrets.token_hex(4)}", scopes="system/*.rs", jwks=orjson.dumps({"keys": [key]}).decode()
    )
    client_id = registry.register(host, host.identity.system, draft)
    with host.database.engine.connect() as connection:
        client = registry.live_client(connection, client_id)
    return tokens.issue(host, client, "system/*.rs", timedelta(minutes=5))


def _cookie(host: OscarHost, ini: Path) -> str:
    """That of a manager who is signed in."""
    settings = dict(line.split(" = ", 1) for line in ini.read_text().splitlines() if " = " in line)
    url, schema = settings.pop("database_url"), settings.pop("host_schema", None)
    with open_host(url, settings=settings, host_schema=schema, clock=host.clock) as own:
        plugins = Plugins()
        plugins.load_installed()
        app = create_app(own, plugins)
        client = app.test_client()
        with client.session_transaction(base_url=f"https://localhost{PATH}/") as session:
            session["session"] = app.extensions["own_sessions"].open(Account(1, "101", "", ""))
        cookie = client.get_cookie("oscar_sidecar", path=PATH)
    assert cookie
    return f"oscar_sidecar={cookie.value}"


@contextmanager
def _running(folder: Path, command: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
    environment = os.environ | {"CPAR_SETTINGS": str(folder / "cpar.ini"), "MALLOC_ARENA_MAX": "1"}
    proxy = [_NGINX, "-p", str(folder), "-e", "nginx-error.log", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with (
        (folder / "application.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stderr=log, stdout=log, cwd=folder) as application,
        subprocess.Popen(proxy, stderr=subprocess.DEVNULL) as nginx,
    ):
        try:
            while not (folder / "app.sock").exists() or not (folder / "nginx.pid").exists():
                assert application.poll() is None, (folder / "application.log").read_text()
                sleep(0.05)
            yield application
        finally:
            for process in (nginx, application):
                process.terminate()
