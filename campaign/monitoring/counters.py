"""Figures that processes count while they work, for Prometheus.

Several processes answer requests. Where PROMETHEUS_MULTIPROC_DIR names a folder, each
keeps its figures there, and whichever is asked adds them up; `serve` sets it.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess

requests = Counter(
    "campaign_requests", "Requests that were answered.", ["route", "method", "status"]
)
seconds = Histogram(
    "campaign_request_seconds",
    "Seconds until an answer began.",
    ["route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
slow_statements = Counter(
    "campaign_slow_statements", "Statements of SQL that took too long.", ["route"]
)
COUNTED = (requests, seconds, slow_statements)


def registry() -> CollectorRegistry:
    """A registry with the figures of all processes that counted."""
    found = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.MultiProcessCollector(found)  # type: ignore[no-untyped-call]
    else:
        for each in COUNTED:
            found.register(each)
    return found


def forget_process(pid: int) -> None:
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
