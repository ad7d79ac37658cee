"""What a panel is: one number, one or several facilities, one or several providers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from .identifiers import facility_id, issued_text, practitioner_id
from .panel_state import PanelState, state_of
from .refusals import Refused

AT_MOST = 50


@dataclass(frozen=True, slots=True)
class PanelProvider:
    """A provider of a panel, with the nine digits of the PPHS Practitioner ID."""

    provider_id: str
    practitioner_id: str


@dataclass(frozen=True, slots=True)
class PanelDraft:
    """A panel as it was entered, checked."""

    number: str
    facilities: tuple[str, ...]
    providers: tuple[PanelProvider, ...]
    notify: str
    state: PanelState = PanelState.ACTIVE


def panel_draft(
    number: str,
    facilities: Sequence[str],
    providers: Sequence[tuple[str, str]],
    notify: str = "",
    state: str = PanelState.ACTIVE,
) -> PanelDraft:
    """Check what was entered. `providers` are pairs of the host's provider id and the Practitioner ID as typed.

    Empty rows count as not entered. Raises Refused with a message for each field: `number`, `facilities-0`,
    `providers-0`, `practitioner_ids-0` ..., `notify`, `state`.
    """
    messages: dict[str, str] = {}

    def checked(check: Callable[[], str]) -> str:
        try:
            return check()
        except Refused as refused:
            messages.update(refused.messages)
            return ""

    panel_number = checked(lambda: issued_text(number, "number", "CPAR panel number"))
    facility_ids: list[str] = []
    for place, text in enumerate(facilities):
        if text.strip():
            key = f"facilities-{place}"
            facility = checked(partial(facility_id, text, key))
            if facility and facility in facility_ids:
                messages[key] = "This Facility ID was entered twice: remove one."
            facility_ids.append(facility)
    entered: list[PanelProvider] = []
    for place, (provider, practitioner) in enumerate(providers):
        if not provider and not practitioner.strip():
            continue
        if not provider:
            messages[f"providers-{place}"] = "Select the provider of this Practitioner ID."
        elif any(provider == other.provider_id for other in entered):
            messages[f"providers-{place}"] = "This provider was entered twice: remove one."
        key = f"practitioner_ids-{place}"
        digits = checked(partial(practitioner_id, practitioner, key))
        if digits and any(digits == other.practitioner_id for other in entered):
            messages[key] = "Two providers cannot have the same Practitioner ID: correct one."
        entered.append(PanelProvider(provider, digits))
    if not facility_ids:
        messages["facilities-0"] = "Enter at least one Facility ID or WDFA key."
    if not entered:
        messages["providers-0"] = "Select at least one provider."
    if len(facility_ids) > AT_MOST or len(entered) > AT_MOST:
        messages[""] = f"A panel can have at most {AT_MOST} facilities and {AT_MOST} providers."
    recipient = checked(lambda: _mail_address(notify))
    try:
        panel_state = state_of(state)
    except Refused as refused:
        messages.update(refused.messages)
    if messages:
        raise Refused(messages)
    return PanelDraft(panel_number, tuple(facility_ids), tuple(entered), recipient, panel_state)


def _mail_address(text: str) -> str:
    address = text.strip()
    if not address:
        return ""
    local, at, domain = address.rpartition("@")
    plain = address.isascii() and address.isprintable() and not set(address) & set(' ,;<>()"')
    if not (local and at and "." in domain and plain and len(address) <= 254):
        raise Refused({"notify": "Enter one email address, such as manager@clinic.ca, or leave it empty."})
    return address
