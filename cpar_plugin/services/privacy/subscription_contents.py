"""What the tables of subscriptions hold."""

from collections.abc import Mapping
from typing import Final

from .columns import Holds, TableHolds, of_clinic, of_patient, of_staff

SUBSCRIPTION_TABLES: Final[Mapping[str, TableHolds]] = {
    "cpar_subscription": TableHolds(
        "What clients have subscribed to: where they are sent that something happened on a panel.",
        {
            "subscription_id": Holds("Subscription, by number"),
            "resource_id": Holds("Its random identifier in the FHIR interface"),
            "base": Holds("Address at which the client reached the interface"),
            "status": Holds("Status"),
            "reason": Holds("The client's own words about its purpose"),
            "panels": of_clinic("Panels that it is limited to"),
            "endpoint": Holds("URL to which notifications are sent"),
            "headers": Holds("Headers that are sent with them, encrypted with the server's secret_key"),
            "header_names": Holds("Names of these headers"),
            "media_type": Holds("Form of a notification"),
            "content": Holds("How much a notification says: numbers, references, or whole patients"),
            "heartbeat_seconds": Holds("How often it is notified when nothing happens"),
            "timeout_seconds": Holds("How long a receiver may take"),
            "max_count": Holds("Largest number of events in a notification"),
            "ends_at": Holds("When it ends"),
            "changed_at": Holds("When it last changed"),
            "collected_to": Holds("Last operation whose changes have numbers"),
            "last_number": Holds("Number of its last event"),
            "last_event_at": Holds("When its last event was numbered"),
            "sent_number": Holds("Number of the last event that its receiver took"),
            "sent_at": Holds("When its receiver last took a notification"),
            "heartbeat_at": Holds("When the next heartbeat is due"),
            "failing_since": Holds("Since when its receiver has taken nothing"),
            "failure": Holds("Why the last notification was not taken, and what to do"),
            "next_attempt_at": Holds("When it is tried next"),
            "turned_off_by": of_staff("User who turned it off"),
        },
    ),
    "cpar_subscription_event": TableHolds(
        "Events of subscriptions: what happened to which patient on which panel.",
        {
            "subscription_id": Holds("Subscription, by number"),
            "number": Holds("Number of the event"),
            "kind": of_patient("What happened: added, removed, moved, confirmed, or data changed"),
        },
    ),
    "cpar_patient_change": TableHolds(
        "Patients whose data have changed, until subscriptions have events of it.",
        {"change_id": Holds("Change, by number")},
    ),
}
