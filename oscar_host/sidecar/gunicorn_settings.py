"""What gunicorn is started with: `gunicorn --config python:oscar_host.sidecar.gunicorn_settings`.

nginx is in front of it and reads whole requests and answers, so that a slow browser holds none of the threads.
"""

import gc

from cpar_plugin.host_kit.gate import THREADS
from cpar_plugin.host_kit.lifecycle import post_worker_init, worker_exit
from cpar_plugin.host_kit.server_log import WithoutRequests

__all__ = ["post_worker_init", "worker_exit"]

workers = 2
worker_class = "cpar_plugin.host_kit.serving.FewAtATime"
threads = THREADS
preload_app = True  # what the workers have in common is in memory once


def when_ready(_: object) -> None:
    """Before the workers are forked: what is there already stays, and no garbage collector of theirs writes to it."""
    gc.collect()
    gc.freeze()


control_socket_disable = True
logger_class = WithoutRequests

# Above nginx's own limits, which it refuses in words of ours.
limit_request_line = 0
limit_request_fields = 8192
limit_request_field_size = 16_384
