"""The panel form as it is typed: it can grow and shrink by whole rows, without script."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeVar

from werkzeug.datastructures import MultiDict

from ..domain.panel import AT_MOST, PanelDraft, panel_draft
from ..domain.panel_state import PanelState
from ..domain.refusals import Refused
from ..services.panels.editing import Panel, PanelProviderName
from .inputs import INCOMPLETE

Row = TypeVar("Row")

SAVE = "save"


@dataclass(frozen=True, slots=True)
class PanelForm:
    """The texts of the form. `providers` are pairs of the host's provider id and the Practitioner ID.

    `added` is the field that a new row begins with, "" where there is none.
    """

    number: str = ""
    facilities: tuple[str, ...] = ("",)
    providers: tuple[tuple[str, str], ...] = (("", ""),)
    notify: str = ""
    state: str = ""  # of a new panel: active
    added: str = ""

    def after(self, step: str) -> "PanelForm":
        """The form after one of its buttons: `add-facility`, `add-provider`, `remove-facility-0` ...

        Raises Refused for any other step, and for a row too many.
        """
        match step.split("-"):
            case ["add", "facility"] if len(self.facilities) < AT_MOST:
                return replace(self, facilities=(*self.facilities, ""), added=f"facilities-{len(self.facilities)}")
            case ["add", "provider"] if len(self.providers) < AT_MOST:
                return replace(self, providers=(*self.providers, ("", "")), added=f"providers-{len(self.providers)}")
            case ["remove", "facility", place]:
                return replace(self, facilities=_without(self.facilities, place) or ("",))
            case ["remove", "provider", place]:
                return replace(self, providers=_without(self.providers, place) or (("", ""),))
            case ["add", _]:
                raise Refused(f"A panel can have at most {AT_MOST} facilities and {AT_MOST} providers.")
        raise Refused(INCOMPLETE)

    def prefilled(self, choices: Sequence[PanelProviderName]) -> "PanelForm":
        """The form in which a Practitioner ID left empty is the one that is known of the provider."""
        practitioner_ids = {choice.provider_id: choice.practitioner_id for choice in choices}
        providers = (
            (provider, practitioner_id.strip() or spaced(practitioner_ids.get(provider, "")))
            for provider, practitioner_id in self.providers
        )
        return replace(self, providers=tuple(providers))

    def draft(self, choices: Sequence[PanelProviderName]) -> PanelDraft:
        """What was entered, prefilled and checked. Raises Refused with a message for each field."""
        return panel_draft(
            self.number,
            self.facilities,
            self.prefilled(choices).providers,
            self.notify,
            self.state or PanelState.ACTIVE,
        )


def from_form(form: MultiDict[str, str]) -> PanelForm:
    """The form as it arrived. Raises Refused for more rows than it ever shows."""
    facilities = form.getlist("facilities")
    providers = list(zip_longest(form.getlist("providers"), form.getlist("practitioner_ids"), fillvalue=""))
    if len(facilities) > AT_MOST or len(providers) > AT_MOST:
        raise Refused(f"A panel can have at most {AT_MOST} facilities and {AT_MOST} providers.")
    return PanelForm(
        number=form.get("number", ""),
        facilities=tuple(facilities) or ("",),
        providers=tuple(providers) or (("", ""),),
        notify=form.get("notify", ""),
        state=form.get("state", ""),
    )


def from_panel(panel: Panel) -> PanelForm:
    """The form that shows a panel as it is."""
    return PanelForm(
        number=panel.number,
        facilities=panel.facilities or ("",),
        providers=tuple((provider.provider_id, spaced(provider.practitioner_id)) for provider in panel.providers)
        or (("", ""),),
        notify=panel.notify,
        state=panel.state,
    )


def differences(
    entered: PanelDraft, now: PanelDraft, choices: Sequence[PanelProviderName]
) -> list[tuple[str, Sequence[str], Sequence[str]]]:
    """Where what was entered is not what is saved now: the field, what is saved, what was entered."""
    names = {choice.provider_id: choice.name for choice in choices}

    def providers(draft: PanelDraft) -> list[str]:
        return [
            f"{names.get(provider.provider_id, 'No longer in the EMR')} - {spaced(provider.practitioner_id)}"
            for provider in draft.providers
        ]

    fields = (
        ("CPAR Panel Number", [now.number], [entered.number]),
        ("Alberta Health Facility ID / WDFA Key", now.facilities, entered.facilities),
        ("Providers", providers(now), providers(entered)),
        ("State", [now.state.label], [entered.state.label]),
        (
            "Email address for failed submissions",
            list(filter(None, [now.notify])),
            list(filter(None, [entered.notify])),
        ),
    )
    return [(field, saved, value) for field, saved, value in fields if saved != value]


def spaced(practitioner_id: str) -> str:
    """A Practitioner ID as people write it: `1234-56789`."""
    return f"{practitioner_id[:4]}-{practitioner_id[4:]}" if practitioner_id else ""


def _without(rows: tuple[Row, ...], place: str) -> tuple[Row, ...]:
    if not (place.isascii() and place.isdigit() and len(place) <= 2):
        raise Refused(INCOMPLETE)
    return tuple(row for number, row in enumerate(rows) if number != int(place))
