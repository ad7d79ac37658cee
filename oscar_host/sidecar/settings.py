"""The settings of the application alongside an OSCAR, checked once at start."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cpar_plugin.settings import checked
from cpar_plugin.transport.connection import is_loopback

_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_COOKIE_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 6265, section 4.1.1
_SHORTEST_KEY = 32


class SidecarSettings(BaseModel):
    """Every setting with its default. The field's name is the setting's name; lists have blanks between their items."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    # Where it answers
    context_path: str = "/oscar/cpar"
    trusted_proxies: int = Field(default=0, ge=0)
    secret_key: str = Field(default="", repr=False)
    https_only: bool = True

    # The OSCAR alongside it
    oscar_url: str = ""
    oscar_address: str = ""
    oscar_browser_url: str = ""
    nginx_file: str = "/etc/nginx/nginx.conf"
    oscar_cookies: str = "JSESSIONID"
    oscar_connect_seconds: float = Field(default=2, gt=0)
    oscar_seconds: float = Field(default=5, gt=0)
    oscar_ca_file: str = ""
    strict_certificates: bool = True

    # What OSCAR's lists of patients show
    schedule_marks: bool = True
    search_column: bool = True

    # Who signs in, and what they may
    sign_in: Literal["session", "password"] = "session"
    session_seconds: float = Field(default=15, gt=0, le=60)
    session_folder: str = "sessions"
    inside_networks: str = ""
    privileges: Literal["tables", "rest", "rest-roles"] = "tables"

    @field_validator("context_path")
    @classmethod
    def _a_path(cls, path: str) -> str:
        if not _PATH.fullmatch(path):
            raise ValueError("write it like /oscar/cpar")
        return path

    @field_validator("oscar_url")
    @classmethod
    def _for_a_session(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise ValueError("write it like http://127.0.0.1:8080/oscar")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("use https: plain http would send sessions of people unprotected to another machine")
        return url.rstrip("/")

    @field_validator("oscar_address")
    @classmethod
    def _for_a_browser(cls, address: str) -> str:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        if address and not whole and not _PATH.fullmatch(address.rstrip("/")):
            raise ValueError("write it like /oscar, or like https://emr.example/oscar")
        return address.rstrip("/")

    @field_validator("oscar_browser_url")
    @classmethod
    def _whole(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("write it like https://emr.example/oscar")
        return url.rstrip("/")

    @field_validator("oscar_cookies")
    @classmethod
    def _names(cls, names: str) -> str:
        if not names.split() or not all(map(_COOKIE_NAME.fullmatch, names.split())):
            raise ValueError("write names of cookies with blanks between, such as JSESSIONID")
        return names

    @field_validator("inside_networks")
    @classmethod
    def _networks(cls, networks: str) -> str:
        try:
            for network in networks.split():
                ip_network(network)
        except ValueError:
            raise ValueError("write networks with blanks between, such as 192.168.1.0/24 10.0.0.0/8") from None
        return networks

    @model_validator(mode="after")
    def _complete(self) -> "SidecarSettings":
        if len(self.secret_key) < _SHORTEST_KEY:
            raise ValueError(f"secret_key: needed, with {_SHORTEST_KEY} characters or more, made by chance")
        if self.sign_in == "session" and not self.oscar_url:
            raise ValueError("oscar_url: needed when sign_in is session, such as http://127.0.0.1:8080/oscar")
        if self.sign_in == "password" and self.privileges != "tables":
            raise ValueError("privileges: only tables when sign_in is password")
        return self

    @property
    def oscar_patience(self) -> float:
        """After so many seconds without an answer OSCAR counts as slow, and fewer wait for it."""
        return self.oscar_seconds / 10

    @property
    def oscar_pages(self) -> str:
        """Where browsers find OSCAR: `oscar_address`, else what is above the context path."""
        return self.oscar_address or self.context_path.rpartition("/")[0]


def load(settings: Mapping[str, str]) -> SidecarSettings:
    """Read the host's settings. Raises Refused that names every wrong one, never its value."""
    return checked(SidecarSettings, settings)
