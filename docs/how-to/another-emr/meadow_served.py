"""Meadow as gunicorn serves it: gunicorn --config python:meadow_served 'meadow_served:app()'

gunicorn takes its settings `post_worker_init` and `worker_exit` from here: plugins begin and end with each worker.
"""

import os

import meadow

from cpar_plugin.host_kit.lifecycle import add_lifecycle, post_worker_init, worker_exit

__all__ = ["app", "post_worker_init", "worker_exit"]


def app():
    host = meadow.open_host()
    application = meadow.create_app(host, secret_key=os.environ["MEADOW_SECRET_KEY"])
    add_lifecycle(application, meadow.PLUGINS, host)
    return application
