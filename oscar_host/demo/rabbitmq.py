"""A private RabbitMQ in a temporary folder: for tests, benchmarks and trying out.

Its own port, node, cookie and port mapper: it meets no other broker of the machine, and no other meets it.
"""

import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .ports import free_ports
from .programs import PATH, program

# Debian's command changes to the account of the service: these are the scripts behind it.
_SCRIPTS = "lib/rabbitmq/lib/rabbitmq_server-*/sbin"
_START_SECONDS = 180
# In one call, for each starts an interpreter of Erlang.
_EMPTY = """
rabbit_vhost:delete(<<"/">>, <<"cpar">>),
rabbit_vhost:add(<<"/">>, <<"cpar">>),
rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"/">>, <<".*">>, <<".*">>, <<".*">>, <<"cpar">>).
"""

# Nothing in the broker is worth an orderly shutdown. Its pipe from us closes however we end, kill -9 included.
# The server itself is a child of a script: the process group is theirs.
_UNTIL_WE_ARE_GONE = """
exec 3<&0
setsid "$@" </dev/null &
server=$!
{ read -r _ <&3; kill -9 -$server; } &
wait $server
"""


class NoRabbitMQ(Exception):
    """RabbitMQ is not installed, or does not start; the message says what to do."""


@dataclass
class PrivateRabbitMQ:
    """A broker that runs. `url` is the setting `broker_url`."""

    folder: Path
    port: int
    mapper_port: int  # where nodes of Erlang ask for each other
    node_port: int  # for `rabbitmqctl`
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def stop(self) -> None:
        """End it at once, as a power cut would. What it has on disk remains."""
        for process in self.processes.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
        self.processes.clear()

    def start(self) -> None:
        """Start it, again where it was stopped: on the same port, with what is on its disk."""
        output = self.folder / "output"
        with output.open("wb") as log:
            mapper = [
                program("epmd", "rabbitmq-server", NoRabbitMQ),
                "-port",
                self._environment["ERL_EPMD_PORT"],
                "-address",
                "127.0.0.1",
            ]
            for name, command in (("epmd", mapper), ("server", [str(_script("rabbitmq-server"))])):
                self.processes[name] = subprocess.Popen(  # noqa: S603
                    ["/bin/sh", "-c", _UNTIL_WE_ARE_GONE, name, *command],
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us: we end it when we are done with it
                )
        give_up = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up and self.processes["server"].poll() is None:
            if b"completed with" in output.read_bytes() and _listens(self.port):
                return
            time.sleep(0.1)
        text = output.read_text(errors="replace")[-2000:]
        self.stop()
        raise NoRabbitMQ(f"RabbitMQ does not start:\n{text}")

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says to these arguments."""
        command = [str(_script("rabbitmqctl")), "-q", *arguments]
        result = subprocess.run(  # noqa: S603
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise NoRabbitMQ(f"rabbitmqctl {' '.join(arguments)} failed:\n{result.stdout}{result.stderr}")
        return result.stdout

    def empty(self) -> None:
        """Remove all queues with their messages, and close every connection."""
        self.control("eval", _EMPTY)

    @property
    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": PATH,
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_NODENAME": "cpar@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            # It shares the machine: no processor is kept busy by waiting.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
        }


@contextmanager
def private_rabbitmq(*more: str, below: Path | None = None) -> Iterator[PrivateRabbitMQ]:
    """Start a broker, and end it with all its data. `more` are lines of its configuration file.

    Its data is in a folder `below`, or where all temporary files are.
    """
    with tempfile.TemporaryDirectory(prefix="cpar-rabbitmq-", dir=below, ignore_cleanup_errors=True) as name:
        folder, (port, mapper_port, node_port) = Path(name), free_ports(3)
        (folder / "plugins").write_text("[].\n")
        lines = (f"listeners.tcp.1 = 127.0.0.1:{port}", *more)
        (folder / "rabbitmq.conf").write_text("".join(f"{line}\n" for line in lines))
        cookie = folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        broker = PrivateRabbitMQ(folder, port, mapper_port, node_port)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


def _script(name: str) -> Path:
    server = Path(program("rabbitmq-server", "rabbitmq-server", NoRabbitMQ)).resolve()
    for script in sorted(server.parents[1].glob(f"{_SCRIPTS}/{name}")):
        return script
    return server.with_name(name)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
