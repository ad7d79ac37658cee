"""What OSCAR's own pages fetch of ours: the boxes of a patient's Master Record, the entries of the Administration.

`static/record.js` and `static/administration.js` fetch it and put it in place.
"""

from http import HTTPStatus

from flask import Flask, render_template
from flask.typing import ResponseReturnValue

from .frame import neighbour

_NOTHING = ("", HTTPStatus.NO_CONTENT)


def add_loader(app: Flask) -> None:
    """Add the addresses. Each answers 204 where there is nothing that the person who asks may see."""
    app.add_url_rule("/page/patients/<int(max=9223372036854775807):patient_id>", "page_boxes", _boxes)
    app.add_url_rule("/page/menu", "page_menu", _menu)


def _boxes(patient_id: int) -> ResponseReturnValue:
    host, plugins = neighbour().host, neighbour().plugins
    actor = host.identity.current()
    if actor is None or not host.identity.may_see(actor, patient_id):
        return _NOTHING
    widgets = plugins.demographic_widgets(host, actor, patient_id)
    return render_template("neighbour/boxes.html", widgets=widgets) if widgets else _NOTHING


def _menu() -> ResponseReturnValue:
    host, plugins = neighbour().host, neighbour().plugins
    actor = host.identity.current()
    items = plugins.admin_menu(host, actor) if actor else ()
    return render_template("neighbour/menu.html", items=items) if items else _NOTHING
