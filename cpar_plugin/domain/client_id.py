"""How clients of the FHIR interface are named where people are: `client-7`, which no person's id is."""

_PREFIX = "client-"


def client_id_of(number: int) -> str:
    """The client id of a client's number."""
    return f"{_PREFIX}{number}"


def number_in(client_id: str) -> str:
    """The digits of a client id; '' for what is no client id, such as a person's."""
    return client_id.removeprefix(_PREFIX) if client_id.startswith(_PREFIX) else ""
