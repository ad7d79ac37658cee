"""The subscriptions of FHIR clients, on the page of these, and turning one off."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.exhaustive import exhaustive
from ..domain.subscription import PayloadContent, SubscriptionStatus
from ..hooks import Actor, Host
from ..services.subscriptions import changing, listing
from .rendering import page
from .serving import ID, Needs, Route

STATUS_LABELS: Mapping[SubscriptionStatus, str] = exhaustive(
    __name__,
    SubscriptionStatus,
    {
        SubscriptionStatus.REQUESTED: "Asking the receiver",
        SubscriptionStatus.ACTIVE: "Active",
        SubscriptionStatus.ERROR: "Stopped after failures; its client can activate it",
        SubscriptionStatus.OFF: "Off",
    },
)
CONTENT_LABELS: Mapping[PayloadContent, str] = exhaustive(
    __name__,
    PayloadContent,
    {
        PayloadContent.EMPTY: "That something happened, without patients",
        PayloadContent.ID_ONLY: "Record numbers and panels",
        PayloadContent.FULL_RESOURCE: "Whole patients",
    },
)


def turn_off_subscription(host: Host, actor: Actor, subscription_no: int) -> ResponseReturnValue:
    """What turning a subscription off means, and doing it."""
    with host.database.engine.connect() as connection:
        subscription = listing.one_subscription(connection, subscription_no)
    if request.method == "GET":
        title = f"Turn off a subscription of {subscription.client_name}?"
        return page(host, title, "subscription_off.html", subscription=subscription)
    changing.turn_off(host, actor, subscription_no)
    flash(f"A subscription of {subscription.client_name} was turned off.", "cpar")
    return redirect(url_for("cpar.clients"), HTTPStatus.SEE_OTHER)


_OFF = f"/clients/subscriptions/<{ID}:subscription_no>/off"
ROUTES = (
    Route(
        f"/clients/subscriptions/<{ID}:subscription_no>/off",
        turn_off_subscription,
        Needs.ADMINISTRATION,
        ("GET", "POST"),
    ),
)
