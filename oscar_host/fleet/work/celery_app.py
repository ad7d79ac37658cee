"""The Celery application of a fleet. Why it is set so: docs/decisions/0108."""

from typing import Any, Final

from celery import Celery

from cpar_plugin.hooks import Refused
from cpar_plugin.transport.trust import trusting

from ..settings import FleetSettings
from . import queues

# A worker of n processes holds n messages of each queue: the last of them waits for three limits, and RabbitMQ closes
# the channel of one that is not acknowledged for 30 minutes.
TASK_SECONDS: Final = 9 * 60
# A child that has grown beyond this (KiB) is replaced after its task.
_CHILD_KIB: Final = 190 * 1024
_HEARTBEAT_SECONDS: Final = 20
_CONFIRM_SECONDS: Final = 15

LOOK: Final = "cpar.look"

PUBLISHING: Final[dict[str, Any]] = {
    "confirm_timeout": _CONFIRM_SECONDS,  # a broker whose disk is full takes nothing, and says nothing
    "retry": True,
    "retry_policy": {"max_retries": 2, "interval_start": 0.2, "interval_step": 0.5, "interval_max": 1},
}


def celery_app(fleet: FleetSettings) -> Celery:
    """The application on the fleet's broker, without tasks. Nothing is connected.

    Raises Refused without a broker, and for a `broker_ca_file` that cannot be used.
    """
    if not fleet.broker_url:
        message = (
            "broker_url: name RabbitMQ in the section [fleet], such as amqp://cpar:file-or-password@broker:5672//."
        )
        raise Refused({"broker_url": message})
    app = Celery("cpar", broker=fleet.broker_url, set_as_current=False)
    app.conf.update(
        # What is in messages, and what comes back: nothing does, the clinic's database says what has become of work.
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # Queues
        task_queues=queues.declared(),
        task_default_queue=queues.NIGHT,
        task_default_exchange="cpar",
        task_default_routing_key=queues.NIGHT,
        task_default_queue_type="quorum",
        task_create_missing_queues=False,
        broker_transport_options={"confirm_publish": True},
        # A message is done when its work is, or has failed in a way that the clinic's database remembers.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        task_time_limit=TASK_SECONDS,
        worker_prefetch_multiplier=1,
        worker_enable_prefetch_count_reduction=False,
        worker_max_memory_per_child=_CHILD_KIB,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_use_ssl=_tls(fleet),
        # A broker that is away is waited for.
        broker_heartbeat=_HEARTBEAT_SECONDS,
        broker_connection_timeout=5,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Logs and events are ours.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
    )
    return app


def _tls(fleet: FleetSettings) -> dict[str, str | None] | bool:
    """How the broker's certificate is checked: where nothing is said, py-amqp checks no name."""
    if not fleet.broker_url.startswith("amqps:"):
        return False
    if fleet.broker_ca_file:
        trusting(fleet.broker_ca_file, "broker_ca_file", strict=False)
    # No name: that of the URL.
    return {"server_hostname": None, "ca_certs": fleet.broker_ca_file or None}


def publish(app: Celery, task: str, queue: str, *arguments: object) -> None:
    """Raises one of `broker_line.FAILURES` where the broker does not confirm that it has it."""
    app.send_task(task, args=arguments, queue=queue, routing_key=queue, **PUBLISHING)


def publish_look(app: Celery, clinic: str, trace: str) -> None:
    """A user has requested something: begin without waiting for the beat. Raises as `publish` does."""
    publish(app, LOOK, queues.PEOPLE, clinic, trace)
