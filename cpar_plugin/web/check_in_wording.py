"""The clinic's words for what reception asks at check-in, with a preview."""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.check_in_questions import DEFAULTS, WORDING, CheckInQuestion, spoken
from ..domain.refusals import Refused, Stale
from ..hooks import Actor, Host
from ..services.check_in import wording
from ..services.operations import clinic
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import Needs, Route

_EXAMPLE = "Okafor, Ada"


@shows_entries
def check_in_wording(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form, its preview, and what becomes of it. Reset enters our words, which are saved like others."""
    if request.method == "GET":
        with host.database.engine.connect() as connection:
            return _form(host, wording.load(connection))
    action = request.form.get("action", "save")
    texts = DEFAULTS if action == "reset" else {one: request.form.get(one, "") for one in CheckInQuestion}
    version = number(request.form.get("version", ""), "", INCOMPLETE)
    try:
        check_entries()
        if action == "preview":
            return _form(host, wording.check(texts), HTTPStatus.OK)
        wording.save(host, actor, texts, version=version)
    except Refused as refused:
        status = HTTPStatus.CONFLICT if isinstance(refused, Stale) else HTTPStatus.UNPROCESSABLE_ENTITY
        return _form(host, texts, status, refused.messages)
    flash("The questions were saved.", "cpar")
    return redirect(url_for("cpar.check_in_wording"), HTTPStatus.SEE_OTHER)


def _form(
    host: Host,
    texts: wording.Questions,
    status: HTTPStatus = HTTPStatus.OK,
    messages: dict[str, str] | None = None,
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    previews = {} if messages else {question: spoken(words, _EXAMPLE) for question, words in texts.items()}
    return page(
        host,
        "Questions at check-in",
        "check_in_wording.html",
        status,
        texts=texts,
        wordings=WORDING,
        previews=previews,
        version=version,
        messages=messages or {},
    )


ROUTES = (Route("/settings/check-in", check_in_wording, Needs.MANAGEMENT, ("GET", "POST")),)
