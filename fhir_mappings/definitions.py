"""What our resources mean beyond R4: our codes, search parameters and operations. `structures` has the rest.

Without them a validator reports what is ours as unknown. Their addresses are settings; their content has no date and no
patient data, and is the same for every clinic.
"""

from ..domain.exhaustive import exhaustive
from ..domain.panel_state import PanelState
from ..settings import Settings
from .identifiers import Resource
from .panel_group import HOW_CODES, PANEL_CODE, PANEL_STATE
from .searchable import AnyKinds, Own, Parameter, chains
from .structures import R4_STRUCTURES, head, values_url
from .task import CODE_DISPLAYS, STATE_DISPLAYS

_HOW_DISPLAYS = {
    "on-adding": "Confirmed when the patient was added to the panel",
    "last-visit": "Taken from the patient's last visit",
    "asked": "Confirmed by the patient, who was asked at check-in",
    "by-person": "Confirmed by a person",
    "from-list": "Confirmed together with others selected in a list",
    "imported": "Taken from the last visit when an imported list put the patient on the panel",
}
_STATE_DISPLAYS = exhaustive(
    __name__,
    PanelState,
    {
        PanelState.ACTIVE: "Patients are put on it, and it is submitted",
        PanelState.IN_TRANSITION: "No one is put on it, and it is submitted",
        PanelState.ENDED: "No one is put on it, and it is not submitted",
    },
)


def code_systems(settings: Settings) -> list[Resource]:
    """Our own codes. Those for gender are the EMR's: which there are is not ours to say."""
    return [
        _codes(settings, "group", "CparGroup", "What a Group of this clinic is.", {PANEL_CODE: "CPAR panel"}),
        _codes(
            settings,
            "confirmation-how",
            "CparConfirmationHow",
            "How the confirmation date of a panel's member came about.",
            {code: _HOW_DISPLAYS[code] for code in HOW_CODES.values()},
        ),
        _codes(
            settings,
            PANEL_STATE,
            "CparPanelState",
            "Whether patients are put on a panel, and whether it is submitted.",
            {state.value: display for state, display in _STATE_DISPLAYS.items()},
        ),
        _codes(settings, "report-line", "CparReportLine", "What a Task of this clinic is about.", CODE_DISPLAYS),
        _codes(settings, "report-line-state", "CparReportLineState", "How far a Task is.", STATE_DISPLAYS),
        {
            **head(settings, "CodeSystem", "emr-gender", f"{settings.uri_codes}/emr-gender", "CparEmrGender"),
            "description": "The EMR's own codes for gender, as they were recorded.",
            "caseSensitive": True,
            "content": "not-present",
        },
    ]


def value_sets(settings: Settings) -> list[Resource]:
    """The codes from which an extension of ours takes its value."""
    return [
        _all_codes(
            settings,
            "confirmation-how",
            "CparConfirmationHowValues",
            "How the confirmation date of a panel's member came about.",
        ),
        _all_codes(
            settings,
            PANEL_STATE,
            "CparPanelStateValues",
            "Whether patients are put on a panel, and whether it is submitted.",
        ),
    ]


def _all_codes(settings: Settings, system: str, name: str, meaning: str) -> Resource:
    """All codes of a system of ours."""
    return {
        **head(settings, "ValueSet", f"{system}-values", values_url(settings, system), name),
        "description": meaning,
        "compose": {"include": [{"system": f"{settings.uri_codes}/{system}"}]},
    }


def search_parameters(settings: Settings, kinds: AnyKinds) -> list[Resource]:
    """What can be searched by beyond R4."""
    return [
        _search_parameter(settings, kind, parameter, parameter.definition, kinds)
        for kind, searchable in kinds.items()
        for parameter in searchable.parameters.values()
        if isinstance(parameter.definition, Own)
    ]


def operation_definitions(settings: Settings) -> list[Resource]:
    """What can be done beyond R4: confirming a member of a Group."""
    url = confirm_url(settings)
    return [
        {
            **head(settings, "OperationDefinition", "group-confirm", url, "CparGroupConfirm"),
            "kind": "operation",
            "description": (
                "Record that a member of this Group was asked and confirms the attachment. Carried out once for each "
                "idempotencyKey of a client: the same key again is answered as the first time."
            ),
            "affectsState": True,
            "code": "confirm",
            "resource": ["Group"],
            "system": False,
            "type": False,
            "instance": True,
            "parameter": [
                _in("patient", "Reference", "The member.", targetProfile=[R4_STRUCTURES + "Patient"]),
                _in("date", "date", "The day on which the member was asked: not in the future, nor before joining."),
                _in("idempotencyKey", "string", "1 to 64 visible ASCII characters, chosen by the client."),
                _out("outcome", "code", "confirmed; or unchanged, for a confirmation of that day or later."),
                _out("patient", "Reference", "The member.", targetProfile=[R4_STRUCTURES + "Patient"]),
                _out("date", "date", "As sent."),
                _out("recorded", "instant", "When it was first carried out."),
            ],
        }
    ]


def confirm_url(settings: Settings) -> str:
    """The canonical address of the definition of `$confirm`."""
    return f"{settings.uri_operations}/group-confirm"


def _in(name: str, kind: str, meaning: str, **more: object) -> Resource:
    return {"name": name, "use": "in", "min": 1, "max": "1", "documentation": meaning, "type": kind, **more}


def _out(name: str, kind: str, meaning: str, **more: object) -> Resource:
    return {**_in(name, kind, meaning, **more), "use": "out"}


def _search_parameter(
    settings: Settings, kind: str, parameter: Parameter, definition: Own, kinds: AnyKinds
) -> Resource:
    url = definition_url(settings, kind, parameter)
    targets = {"target": list(parameter.targets)} if parameter.targets else {}
    followed = [name.partition(".")[2] for name in chains(kinds, parameter)]
    return {
        **head(settings, "SearchParameter", _own_id(kind, parameter), url, definition.name),
        "description": definition.description,
        "code": parameter.name,
        "base": [kind],
        "type": parameter.type.value,
        "expression": definition.expression,
        "xpath": definition.xpath,
        "xpathUsage": "normal",
        **targets,
        "modifier": ["type" if modifier in parameter.targets else modifier for modifier in parameter.modifiers],
        **({"chain": followed} if followed else {}),
    }


def definition_url(settings: Settings, kind: str, parameter: Parameter) -> str:
    """The canonical address of a search parameter's definition."""
    if isinstance(parameter.definition, str):
        return parameter.definition
    return f"{settings.uri_search_parameters}/{_own_id(kind, parameter)}"


def _own_id(kind: str, parameter: Parameter) -> str:
    return f"{kind.lower()}-{parameter.name}"


def _codes(settings: Settings, own_id: str, name: str, description: str, displays: dict[str, str]) -> Resource:
    return {
        **head(settings, "CodeSystem", own_id, f"{settings.uri_codes}/{own_id}", name),
        "description": description,
        "caseSensitive": True,
        "content": "complete",
        "count": len(displays),
        "concept": [{"code": code, "display": display} for code, display in displays.items()],
    }
