"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.

Its other variables are OpenTelemetry's own. Without one nothing of it is imported: it
costs a process some 20 MB and half a second. A collector that is away costs a request
nothing: a thread of its own sends, and gives up what it cannot keep.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


def is_on() -> bool:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(os.environ.get(name) for name in names)


@lru_cache(maxsize=1)
def _provider() -> Any:
    """Made by the first request, since its thread would not survive a fork."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    name = os.environ.get("OTEL_SERVICE_NAME", "campaign")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


@contextmanager
def span(name: str, **facts: str | int) -> Iterator[Any]:
    """A span of work; None where nobody collects them.

    What went wrong is named by its kind alone: the words of a database quote rows.
    """
    if not is_on():
        yield None
        return
    tracer = _provider().get_tracer("campaign")
    with tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    ) as made:
        for key, value in facts.items():
            made.set_attribute(key.replace("__", "."), value)
        try:
            yield made
        except Exception as error:
            made.set_attribute("error.type", type(error).__name__)
            raise


def end() -> None:
    """Send what is left, as a process does that ends; the next span begins anew."""
    if _provider.cache_info().currsize:
        _provider().shutdown()
        _provider.cache_clear()
