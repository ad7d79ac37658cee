"""What gunicorn is started with: `gunicorn --config python:oscar_host.neighbour.gunicorn_settings`.

nginx stands before it and reads whole requests and answers, so that a slow browser holds none of the threads.
"""

from ..gate import THREADS

workers = 2
worker_class = "gthread"
threads = THREADS
