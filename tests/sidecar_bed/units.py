"""systemd's part, in a few lines: it starts what units say, shut in, and holds sockets while services come and go."""

import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path

# By its own number, the third: http://0pointer.de/blog/projects/socket-activation.html
_HAND_OVER = 'exec env LISTEN_PID=$$ LISTEN_FDS=1 "$@" 3<&%d'


@dataclass
class Units:
    """The units in a folder. What services write goes to `log`; `environment` is theirs, but for what a unit says."""

    folder: Path
    log: Path
    environment: Mapping[str, str]
    _sockets: dict[str, socket.socket] = field(default_factory=dict)
    _services: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start those that do not run, and what they require. `cpar` is `cpar.service`."""
        for name in names:
            if name.endswith(".socket"):
                self._listen(name)
            else:
                self._serve(name.removesuffix(".service"))

    def stop(self, *names: str) -> None:
        for name in names:
            if listening := self._sockets.pop(name, None):
                listening.close()
            if process := self._services.pop(name.removesuffix(".service"), None):
                process.terminate()
                process.wait()

    def restart(self, *names: str) -> None:
        self.stop(*names)
        self.start(*names)

    def pid(self, name: str) -> int:
        """The number of a running service's main process."""
        return self._services[name].pid

    def stop_all(self) -> None:
        self.stop(*self._services, *self._sockets)

    def _listen(self, name: str) -> None:
        if name in self._sockets:
            return
        unit = self._read(name)["Socket"]
        path = Path(unit["ListenStream"])
        path.unlink(missing_ok=True)
        listening = self._sockets[name] = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        path.chmod(0o666)
        listening.listen(int(unit["Backlog"]))

    def _serve(self, name: str) -> None:
        if name in self._services:
            return
        sections = self._read(f"{name}.service")
        self.start(*sections["Unit"]["Requires"].split())
        unit = sections["Service"]
        environment = dict(self.environment) | dict(pair.split("=", 1) for pair in unit["Environment"].split())
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.bind(f"{folder}/notify")
            environment["NOTIFY_SOCKET"] = f"{folder}/notify"
            with self.log.open("ab") as log:

                def run(*command: str, **more: object) -> subprocess.Popen[bytes]:
                    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
                        command,
                        env=environment,
                        cwd=unit["WorkingDirectory"],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        **more,
                    )

                limits = (
                    sys.executable,
                    str(Path(__file__).with_name("shut_in.py")),
                    str(self.folder / f"{name}.service"),
                )
                assert run(*limits, *shlex.split(unit["ExecStartPre"])).wait() == 0, self.log.read_text()
                handed = self._sockets[f"{name}.socket"].fileno()
                command = shlex.split(unit["ExecStart"].replace("()", "\\(\\)"))
                process = run("bash", "-c", _HAND_OVER % handed, "bash", *limits, *command, pass_fds=(handed,))
            self._services[name] = process
            notices.settimeout(0.05)
            while True:
                try:
                    if b"READY=1" in notices.recv(4096):
                        return
                except TimeoutError:
                    assert process.poll() is None, self.log.read_text()

    def _read(self, name: str) -> RawConfigParser:
        unit = RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string((self.folder / name).read_text())
        return unit
