"""The queues between a fleet's beat and its workers."""

from typing import Any, Final

from kombu import Exchange, Queue

PEOPLE: Final = "cpar.people"  # what somebody waits for
NIGHT: Final = "cpar.night"  # panels of the automatic date
JOBS: Final = "cpar.jobs"  # all other jobs
ALL: Final = (PEOPLE, NIGHT, JOBS)

# One that kills its worker each time is dropped: the beat asks the clinic again, where attempts are counted.
_DELIVERIES: Final = 5
# Jobs that no worker took in time are worth nothing: the next ones of the same clinic have been published since.
_JOB_MILLISECONDS: Final = 15 * 60 * 1000
_EXCHANGE: Final = Exchange("cpar", type="topic", durable=True)  # topic: Celery binds its delays to it


def declared() -> list[Queue]:
    """All queues, on the disks of most brokers of a cluster before a message counts as published."""
    return [
        _queue(PEOPLE, {}),
        _queue(NIGHT, {}),
        _queue(JOBS, {"x-message-ttl": _JOB_MILLISECONDS}),
    ]


def _queue(name: str, more: dict[str, Any]) -> Queue:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERIES, **more}
    return Queue(name, _EXCHANGE, routing_key=name, durable=True, queue_arguments=arguments)
