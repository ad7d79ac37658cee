"""The confirmation rates of a month by provider, and the CSV file of all months."""

from datetime import date

from flask import request
from flask.typing import ResponseReturnValue

from ..domain.dates import month_code
from ..domain.refusals import NotFound
from ..hooks import Actor, Host
from ..services.overview.rates_csv import export
from ..services.roster import rates as service
from ..settings import load
from . import charts
from .downloads import csv_of_counts
from .rendering import page
from .serving import Needs, Route

MONTHS = 12  # on a page


def rates(host: Host, _: Actor) -> ResponseReturnValue:
    """One month, by provider: the current one unless the address names another."""
    service.count_to_show(host, load(host.settings))
    month_named = request.args.get("month", "")
    with host.database.engine.connect() as connection:
        months = service.by_month(connection, None, MONTHS)
        shown = next((one for one in months if month_code(one.month) == month_named or not month_named), None)
        if month_named and shown is None:
            raise NotFound("This month was not counted: select another one from the Overview tab.")
        providers = service.by_provider(connection, host, shown.month) if shown else []
    return page(
        host,
        "Confirmation rates by provider",
        "rates.html",
        months=months,
        shown=shown,
        providers=providers,
        charts=charts,
    )


def export_rates(host: Host, _: Actor) -> ResponseReturnValue:
    """Every month that was counted, by provider."""
    service.count_to_show(host, load(host.settings))
    today: date = host.clock.now().astimezone(host.clock.zone).date()
    return csv_of_counts(f"confirmation rates {today}", export(host))


ROUTES = (
    Route("/overview/rates", rates, Needs.MANAGEMENT),
    Route("/overview/rates/export", export_rates, Needs.MANAGEMENT),
)
