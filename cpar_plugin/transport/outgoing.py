"""The one place from which we call other machines. Every call is inside a block of `deadline.within`."""

import smtplib
import socket
import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from .deadline import aside, connected


class Session(requests.Session):
    """A session that trusts by one context alone and takes nothing from the environment.

    `trust_env` off: a proxy, a CA bundle or a .netrc from some shell's environment must not decide where
    patients go and who may read along.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.trust_env = False
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(context))
        self.headers["User-Agent"] = "oscar-cpar-plugin"


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecuredPool}

    def cert_verify(self, *_: Any) -> None:
        """Nothing to add: who is trusted, and our own certificate, are the context's."""


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        patience = self.timeout if isinstance(self.timeout, int | float) else None
        try:
            return connected(self._dns_host, self.port, patience)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}: {error}") from error


class _SecuredConnection(_Connection, HTTPSConnection):
    pass


class PlainPool(HTTPConnectionPool):
    """Connections to one http server on this machine."""

    ConnectionCls = _Connection


class SecuredPool(HTTPSConnectionPool):
    """Connections to one https server, where requests' own session cannot do: to an address that was checked."""

    ConnectionCls = _SecuredConnection


class MailConnection(smtplib.SMTP):
    """A connection to a mail server. Raises OSError and SMTPException."""

    def __init__(self, host: str, port: int) -> None:
        # Without a host it does not connect, but finds out by what name to present us, which may ask the network.
        super().__init__(host, port, local_hostname=aside(smtplib.SMTP).local_hostname)

    def _get_socket(self, host: str, port: int, _: float) -> socket.socket:
        return connected(host, port)
