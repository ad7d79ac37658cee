"""What gunicorn is started with: `gunicorn --config python:oscar_host.fleet.gunicorn_settings`."""

from gunicorn.workers.base import Worker

from ..sidecar.gunicorn_settings import (
    control_socket_disable,
    limit_request_field_size,
    limit_request_fields,
    limit_request_line,
    logger_class,
    preload_app,
    threads,
    when_ready,
    worker_class,
    workers,
)

__all__ = [
    "control_socket_disable",
    "limit_request_field_size",
    "limit_request_fields",
    "limit_request_line",
    "logger_class",
    "preload_app",
    "threads",
    "when_ready",
    "worker_class",
    "worker_exit",
    "workers",
]


def worker_exit(_: object, worker: Worker) -> None:
    """For gunicorn's setting of this name: close what is open."""
    if hasattr(worker, "wsgi"):  # it has none where the application could not be made
        worker.wsgi.close()
