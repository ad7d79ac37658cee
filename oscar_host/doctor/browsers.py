"""What browsers get of OSCAR through the web server before it, asked for at the address that they use.

No one signs in for this. Where a page of OSCAR's would be needed, an address is asked for that no server takes: the web
server treats the refusal as it treats the page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

from cpar_plugin.hooks import Health, Refused
from cpar_plugin.transport.trust import distrusted, trusting

from ..host import OscarHost
from ..sidecar.settings import SidecarSettings, load
from .asking import FAILURES, HttpAnswer, ask
from .nginx_files import Server, server_of

VALVE: Final = '<Valve className="org.apache.catalina.valves.RemoteIpValve" protocolHeader="X-Forwarded-Proto"/>'
_PAGE: Final = "docs/how-to/install-alongside-oscar.md"
_SET_REMOTE_IP: Final = (
    f"Put {VALVE} into Tomcat's server.xml, inside of <Host>, and restart Tomcat. nginx must send "
    "X-Forwarded-Proto $scheme, and X-Forwarded-For $remote_addr."
)
NOT_KNOWN: Final = Health.warning(
    "The URL at which browsers reach OSCAR is not set, so it is not checked.",
    "Set oscar_browser_url, such as https://emr.example/oscar.",
)
_USUAL_LOG: Final = (("access.log", "combined"),)  # where no directive names another
_NO_ADDRESS: Final = (("cpar_site",), ("cpar",))  # formats of nginx-http.conf
_LOGS_ADDRESSES: Final = (("debug",), ("info",))
_NOT_TAKEN: Final = "?|"  # Tomcat refuses this letter before OSCAR sees the question (RFC 3986 has it in no query)
_BEHIND_SIGN_IN: Final = "/administration/"
_SIGN_IN: Final = "/index.jsp"
_SENDS_ON: Final = "/logout.jsp"  # in the web server's own block for OSCAR


@dataclass(frozen=True, slots=True)
class Site:
    """Where browsers find OSCAR, and what is known of the server there."""

    url: str
    settings: SidecarSettings
    server: Server | None
    context: SSLContext

    @property
    def secure(self) -> bool:
        return self.url.startswith("https:")

    def ask(self, path: str) -> HttpAnswer:
        """As a browser asks that is signed in nowhere."""
        return ask(self.url + path, self.context)


def site_of(host: OscarHost) -> Site | None:
    """The site: by the setting `oscar_browser_url`, else by nginx's files. None where neither has it."""
    if "oscar_url" not in host.settings:
        return None
    try:
        settings = load(host.settings)
        context = trusting(settings.oscar_ca_file, "oscar_ca_file", strict=settings.strict_certificates)
    except Refused:
        return None  # another check says why
    server = server_of(Path(settings.nginx_file), settings.context_path)
    url = settings.oscar_browser_url or (server.address if server else "")
    return Site(url, settings, server, context) if url else None


def answers(site: Site) -> Health:
    """Whether OSCAR and our own pages answer there."""
    own = site.settings.context_path.rpartition("/")[2]
    try:
        status, own_status = site.ask(_SIGN_IN).status, site.ask(f"/{own}/frame/record.js").status
    except FAILURES as error:
        why = distrusted(error, urlsplit(site.url).netloc) or f"({type(error).__name__})"
        return Health.warning(
            f"No usable response from {site.url}, where browsers reach OSCAR. {why}",
            "Set oscar_browser_url to the URL that browsers use, and make sure this machine can resolve its name. For "
            "your own authority, set oscar_ca_file.",
        )
    if status >= 500:
        return Health.failure(f"OSCAR responds with status {status} at {site.url}.", "Make sure OSCAR is running.")
    if own_status != 200:
        return Health.failure(
            f"Our pages respond with status {own_status} below {site.url}/{own}: browsers cannot reach them.",
            "Include nginx-server.conf of `cpar install-oscar` in the server block of that name, and reload nginx. See "
            f"{_PAGE}.",
        )
    return Health.ok(f"OSCAR and our pages respond at {site.url}.")


def redirects(site: Site) -> Health:
    """Whether OSCAR sends browsers on by the scheme that they came with."""
    location = site.ask(_SENDS_ON).headers.get("Location", "")
    if site.secure and location.startswith("http:"):
        return Health.failure(
            "OSCAR redirects browsers to http, where nothing responds: signing in fails.",
            f"Put `proxy_http_version 1.1;` into nginx's block for OSCAR. {_SET_REMOTE_IP}",
        )
    return Health.ok("OSCAR redirects browsers with the scheme they used.")


def base_href(site: Site) -> Health:
    """Whether OSCAR's pages name their scripts by that scheme: Tomcat writes `<base href>` as it does redirects."""
    headers = {"Host": urlsplit(site.url).netloc, "X-Forwarded-Proto": urlsplit(site.url).scheme}
    answer = ask(site.settings.oscar_url + _BEHIND_SIGN_IN, site.context, headers, older=True)
    if site.secure and answer.headers.get("Location", "").startswith("http:"):
        return Health.failure(
            'OSCAR\'s pages say <base href="http://...">: browsers block their scripts and styles.', _SET_REMOTE_IP
        )
    return Health.ok("OSCAR's pages link to their parts with the scheme that browsers use.")


def session_cookie(site: Site) -> Health:
    """Whether OSCAR's session cookie is sent over https alone."""
    names = site.settings.oscar_cookies.split()
    cookies = [
        cookie for cookie in site.ask(_SIGN_IN).headers.get_all("Set-Cookie", []) if cookie.partition("=")[0] in names
    ]
    if site.secure and any("secure" not in cookie.lower().replace(" ", "").split(";")[1:] for cookie in cookies):
        return Health.warning(
            "OSCAR's session cookie is not marked Secure: a browser would send it over http as well.", _SET_REMOTE_IP
        )
    return Health.ok("OSCAR's session cookie is only sent over https." if site.secure else "Browsers use http.")


def record_script(site: Site) -> Health:
    """Whether nginx puts the box's script into the Master Record."""
    return _script(site, "/demographic/demographiccontrol.jsp", "record", "the record's page")


def menu_script(site: Site) -> Health:
    """Whether nginx puts the menu's script into the Administration."""
    return _script(site, _BEHIND_SIGN_IN, "administration", "the Administration")


def _script(site: Site, page: str, name: str, place: str) -> Health:
    if f"{site.settings.context_path}/frame/{name}.js" in site.ask(page + _NOT_TAKEN).text:
        return Health.ok(f"nginx adds our script to {place}.")
    return Health.warning(
        f"nginx does not add our script to {place}. OSCAR may load it itself: with `--into-page append` or "
        "`include` this cannot be checked from here.",
        "Open the page in OSCAR. If the panel box is not there, write the files again with `cpar install-oscar "
        "--into-page filter`, install nginx-server.conf and reload nginx.",
    )


def client_address(site: Site) -> Health:
    """Whether nginx passes the addresses of browsers on to OSCAR, by its files."""
    if site.server is None:
        return Health.ok(
            "Not checked: nginx's files cannot be read here, or are on another machine. Its block for OSCAR must "
            "send X-Forwarded-For."
        )
    if "x-forwarded-for" in site.server.headers:
        return Health.ok("nginx passes the address of the browser to OSCAR.")
    return Health.warning(
        "nginx does not pass the address of the browser to OSCAR: its log shows one address for everyone, and "
        "ten wrong sign-ins lock the whole clinic out.",
        "Put `proxy_set_header X-Forwarded-For $remote_addr;` into nginx's block for OSCAR, and reload nginx.",
    )


def nginx_log(site: Site) -> Health:
    """Whether nginx keeps our addresses out of its own log, even where a request is cut off."""
    if site.server is None:
        return Health.ok("Not checked: nginx's files cannot be read here, or are on another machine.")
    whole = [
        log for log in site.server.access_logs or _USUAL_LOG if log[:1] != ("off",) and log[1:2] not in _NO_ADDRESS
    ]
    if whole or any(log[1:2] in _LOGS_ADDRESSES for log in site.server.error_logs):
        return Health.warning(
            "nginx logs whole URLs of the FHIR interface when a request is cut off: names and PHNs that were searched "
            "for.",
            "Put `access_log /var/log/nginx/access.log cpar_site;` into nginx's server block, keep its `error_log` at "
            "the level `notice` or above, and reload nginx.",
        )
    return Health.ok("nginx keeps our URLs out of its own log.")


CHECKS: Final[tuple[tuple[str, Callable[[Site], Health]], ...]] = (
    ("redirects", redirects),
    ("base-href", base_href),
    ("session-cookie", session_cookie),
    ("record-script", record_script),
    ("menu-script", menu_script),
    ("client-address", client_address),
    ("nginx-log", nginx_log),
)
