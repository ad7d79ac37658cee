"""The pages of the plugin, as one blueprint under `/cpar`."""

from collections.abc import Mapping, Sequence
from functools import partial, update_wrapper
from pathlib import Path

from flask import Blueprint, Response

from .. import templates
from ..domain.exhaustive import exhaustive
from ..hooks import Host
from . import (
    attachment,
    bulk,
    check_in,
    check_in_wording,
    checklist,
    clients,
    clinic,
    conflict,
    coverage,
    departure,
    departure_patients,
    exclusions,
    exclusions_change,
    fill,
    floor,
    funnel,
    history,
    import_columns,
    import_list,
    import_review,
    interrupted,
    letters,
    looked,
    metrics,
    new_panels,
    other_box,
    other_bulk,
    other_import,
    other_panel_page,
    other_panels,
    overview,
    panel_page,
    panel_print,
    panels,
    rates,
    rehearsal,
    report_columns,
    report_heaps,
    report_line,
    report_lines,
    report_lines_change,
    report_page,
    report_removal,
    reports,
    submission_page,
    submissions,
    subscriptions,
    widget,
)
from .serving import Route, serve
from .tabs import Tab

STATIC = Path(__file__).parent.parent / "static"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
# The pages below each tab, and those of one patient or one form, which have none.
ROUTES: Mapping[Tab | None, Sequence[Route]] = exhaustive(
    __name__,
    Tab,
    {
        None: (*widget.ROUTES, *other_box.ROUTES, *history.ROUTES_OF_PATIENT, *check_in.ROUTES, *interrupted.ROUTES),
        Tab.PANELS: (
            *panels.ROUTES,
            *checklist.ROUTES,
            *new_panels.ROUTES,
            *other_panels.ROUTES,
            *other_panel_page.ROUTES,
            *other_bulk.ROUTES,
            *other_import.ROUTES,
            *fill.ROUTES,
            *panel_page.ROUTES,
            *panel_print.ROUTES,
            *coverage.ROUTES,
            *rehearsal.ROUTES,
            *departure.ROUTES,
            *departure_patients.ROUTES,
            *bulk.ROUTES,
            *attachment.ROUTES,
            *history.ROUTES,
            *import_list.ROUTES,
            *import_columns.ROUTES,
            *import_review.ROUTES,
        ),
        Tab.EXCLUSIONS: (*exclusions.ROUTES, *exclusions_change.ROUTES),
        Tab.REPORTS: (
            *reports.ROUTES,
            *report_columns.ROUTES,
            *report_page.ROUTES,
            *report_removal.ROUTES,
            *report_heaps.ROUTES,
            *report_lines.ROUTES,
            *conflict.ROUTES,
            *report_lines_change.ROUTES,
            *report_line.ROUTES,
            *letters.ROUTES,
        ),
        Tab.OVERVIEW: (*overview.ROUTES, *funnel.ROUTES, *floor.ROUTES, *rates.ROUTES, *metrics.ROUTES),
        Tab.SUBMISSIONS: (*submissions.ROUTES, *submission_page.ROUTES),
        Tab.CLIENTS: (*clients.ROUTES, *subscriptions.ROUTES),
        Tab.LOOKS: looked.ROUTES,
        Tab.SETTINGS: (
            *clinic.ROUTES,
            *check_in_wording.ROUTES,
            *letters.ROUTES_OF_SETTINGS,
            *floor.ROUTES_OF_SETTINGS,
        ),
    },
)


def blueprint(host: Host) -> Blueprint:
    """All pages for one host. Each checks its right at every request: see `serving.Route`."""
    pages = Blueprint(
        "cpar",
        __name__,
        url_prefix="/cpar",
        template_folder=str(templates.FOLDER),
        static_folder=str(STATIC),
    )
    for tab, routes in ROUTES.items():
        for route in routes:
            # With the view's name: extensions of a host ask every view for it.
            answer = update_wrapper(partial(serve, host, tab, route), route.view)
            pages.add_url_rule(route.path, route.view.__name__, answer, methods=route.methods)
    pages.after_request(_guard)
    return pages


def _guard(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response
