"""Whether OSCAR answers who is signed in, where the plugins' pages are alongside it."""

from pathlib import Path

from cpar_plugin.hooks import Health, Refused

from ..host import OscarHost
from ..sidecar.rest import OscarRest, OscarUnavailable, SignedOut
from ..sidecar.rights import NO_ANSWER_FIX, note_in
from ..sidecar.sessions import ME
from ..sidecar.settings import load


def signs_in(host: OscarHost) -> Health:
    """Whether OSCAR answers at `oscar_url`, and takes a session that no one has for none."""
    if "oscar_url" not in host.settings:
        return Health.ok("oscar_url is not set: OSCAR's session is not used to sign in.")
    try:
        settings = load(host.settings)
        if settings.sign_in != "session":
            return Health.ok("sign_in = password: OSCAR's session is not used to sign in.")
        rest = OscarRest(settings)
    except Refused as refused:
        return Health.failure(str(refused), "Correct that in the settings, then check again.")
    try:
        rest.get(ME, f"{settings.oscar_cookies.split()[0]}=of-nobody")
    except SignedOut:
        note = note_in(Path(settings.session_folder))
        if settings.privileges == "rest" and note.exists():
            return Health.warning(
                "privileges = rest does not work with this OSCAR: its list of rights fails with status 500, as in "
                "Open-O's main line. Rights are read from its tables instead.",
                f"{NO_ANSWER_FIX} To try again after an update of OSCAR, remove {note} and restart the application.",
            )
        return Health.ok("OSCAR responds, and recognizes no one without a session.")
    except OscarUnavailable as error:
        if distrust := str(error):
            return Health.failure(
                f"OSCAR's certificate is not accepted. {distrust}", "If it is right, check oscar_ca_file."
            )
        return Health.failure(
            "OSCAR does not report who is signed in, so no one can open a page.",
            "Check that OSCAR is running, and oscar_url: its URL with the context path, such as "
            "http://127.0.0.1:8080/oscar. Its REST services must be turned on.",
        )
    return Health.failure(
        "OSCAR names a user for a session that does not exist: anyone would be signed in as that user.",
        "Stop the application. Point oscar_url to OSCAR itself, not to a proxy that signs users in.",
    )
