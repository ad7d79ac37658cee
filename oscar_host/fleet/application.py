"""One WSGI application for all clinics of a fleet. That of a clinic is made when it is first needed."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wsgi import ClosingIterator

from cpar_plugin.hooks import HostBusy, Plugins, Refused
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.gate import AT_ONCE, Gate, is_turned_away
from cpar_plugin.tracing import about

from ..host import OscarHost
from ..migrate import installed_plugins
from ..sidecar.app import create_app
from . import refusals
from .addresses import Addresses
from .clinic import FleetClinic, FleetReading
from .clinics import Clinics
from .open_hosts import OpenHosts
from .requested import RequestedLooks, may_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

_CLINIC: Final = "oscar_host.fleet.clinic"
_APPLICATION: Final = "oscar_host.fleet.application"
_AT_ONCE: Final = AT_ONCE // 2  # of one clinic: the others have the rest of a process
_WAITING: Final = AT_ONCE


@dataclass(frozen=True, slots=True)
class ClinicApplication:
    """The application of one clinic, and what it works with. Its jobs run elsewhere."""

    flask: Flask
    host: OscarHost
    plugins: Plugins

    @property
    def database(self) -> HostDatabase:
        """Where its connections are."""
        return self.host.database

    def close(self) -> None:
        """Let plugins end what they do in the background, then close connections."""
        self.plugins.emr_shutdown(self.host)
        self.host.close()


def make_application(clinic: FleetClinic) -> ClinicApplication:
    """That of a clinic, with its tables up to date. Its cookie is its own, by name, by path or host, and by key."""
    settings = {**clinic.settings, "trusted_proxies": "0"}  # the fleet has looked at what they say
    host = replace(clinic, settings=settings).open()
    try:
        plugins = installed_plugins(host, may_be_newer=True)  # until this machine, too, has the new version
        flask = create_app(host, plugins, cookie_name=f"oscar_sidecar_{clinic.name}")
    except BaseException:
        host.close()
        raise
    return ClinicApplication(flask, host, plugins)


class FleetApplication:
    """All clinics' pages and FHIR interfaces, each below its address. Memory is bounded by `open_clinics`."""

    def __init__(self, clinics: Clinics) -> None:
        """Nothing is opened yet."""
        self._clinics = clinics
        fleet = clinics.settings
        self.open = OpenHosts(make_application, fleet.open_clinics, idle_seconds=fleet.idle_seconds)
        self._addresses = Addresses(fleet.by, clinics.read())
        self._gates: dict[str, Gate] = {}
        self._looks = RequestedLooks(clinics.settings)
        self._all = Gate(lambda environ, start: environ[_APPLICATION](environ, start))
        application: WSGIApplication = self._answer
        if number := fleet.trusted_proxies:
            application = ProxyFix(application, x_for=number, x_proto=number, x_host=number)
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer by the clinic of the address."""
        return self._application(environ, start_response)

    def close(self) -> None:
        """Close what is open."""
        self.open.close()

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        reading = self._read()
        name = self._addresses.name(environ)
        clinic = reading.clinics.get(name) if name else None
        if name is None:
            return refusals.page(environ, start_response, HTTPStatus.NOT_FOUND)
        if clinic is None or clinic.pages_fault:
            return refusals.page(environ, start_response, HTTPStatus.SERVICE_UNAVAILABLE)
        environ[_CLINIC] = clinic
        gate = self._gates.setdefault(name, Gate(self._by_clinic, at_once=_AT_ONCE, waiting=_WAITING))
        with about(clinic=name):
            return gate(environ, start_response)

    def _by_clinic(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if is_turned_away(environ):
            return refusals.busy(environ, start_response)
        clinic: FleetClinic = environ[_CLINIC]
        try:
            application, release = self.open.take(clinic)
        except HostBusy:
            return refusals.busy(environ, start_response)
        except (Refused, SQLAlchemyError, TimeoutError) as error:
            # Only the kind of error: its text may hold an account or an address.
            log.error("clinic %s cannot be opened: %s", clinic.name, type(error).__name__)
            return refusals.page(environ, start_response, HTTPStatus.SERVICE_UNAVAILABLE)
        requests = may_request(environ)

        def end() -> None:
            release()
            if requests:
                self._looks.soon(clinic.name)

        return _released(self._all, application.flask, environ, start_response, end)

    def _read(self) -> FleetReading:
        reading = self._clinics.read()
        if reading is not self._addresses.reading:
            self._addresses = Addresses(self._clinics.settings.by, reading)
            self.open.keep_only(set(reading.clinics))
            for name in [name for name in self._gates if name not in reading.clinics]:
                self._gates.pop(name, None)
        return reading


def _released(
    gate: Gate, flask: Flask, environ: "WSGIEnvironment", start_response: "StartResponse", release: Callable[[], None]
) -> Iterable[bytes]:
    """The answer of the application, which remains open until the last byte has been taken."""
    environ[_APPLICATION] = flask
    try:
        answer = gate(environ, start_response)
    except BaseException:
        release()
        raise
    return ClosingIterator(answer, release)
