"""Settings of gunicorn: `gunicorn --config python:campaign.serving.gunicorn …`.

What a person must decide comes from the environment; docs/settings.md has it.
"""

import os
from typing import Any

from campaign.monitoring import counters, tracing

# Before Django reads its settings: pages wait for no statement that takes longer.
os.environ.setdefault("STATEMENT_SECONDS", "30")

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_PROCESSES", "") or 2)
threads = int(os.environ.get("WEB_THREADS", "") or 8)
worker_class = "campaign.serving.patience.PatientWorker"
wsgi_app = "campaign.wsgi"
# A thread that answers nothing for this long holds up nobody else; its process lives.
timeout = 60
graceful_timeout = 20
# Longer than nginx keeps a connection to us for the next request.
keepalive = 75
# Each process starts anew after some days, a little apart from the others.
max_requests = 200_000
max_requests_jitter = 20_000
# A line of a request and its headers; personal links have a few hundred characters.
limit_request_line = 8190
limit_request_fields = 60
# Our own log has a line for each request, without addresses or tokens.
accesslog = None
# Whoever keeps it running sends signals; a socket would need a place to write to.
control_socket_disable = True
loglevel = "warning"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "campaign.monitoring.logs.JsonLines"}},
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["json"]},
    "loggers": {
        "gunicorn.error": {"handlers": ["json"], "level": "WARNING", "propagate": False}
    },
}
# Heartbeats of processes: never on a disk that may be full or slow.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108


def child_exit(server: Any, worker: Any) -> None:
    """The figures of a process that has ended are added to those of the others."""
    counters.forget_process(worker.pid)


def worker_exit(server: Any, worker: Any) -> None:
    """What it has noted for a collector of traces is sent."""
    tracing.end()
