"""Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector.

Its other variables are OpenTelemetry's own. Without one nothing of it is imported: it
costs a process some 20 MB and half a second.
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
def _tracer() -> Any:
    """Made by the first request, since its thread would not survive a fork."""
    from opentelemetry import trace  # noqa: PLC0415  (only where it is wanted)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    name = os.environ.get("OTEL_SERVICE_NAME", "campaign")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return trace.get_tracer("campaign")


@contextmanager
def span(name: str, **facts: str | int) -> Iterator[Any]:
    """A span of work; None where nobody collects them."""
    if not is_on():
        yield None
        return
    with _tracer().start_as_current_span(name) as made:
        for key, value in facts.items():
            made.set_attribute(key.replace("__", "."), value)
        yield made


def end() -> None:
    """Send what is left; a process that ends calls it."""
    if is_on():
        from opentelemetry import trace  # noqa: PLC0415

        provider: Any = trace.get_tracer_provider()
        provider.shutdown()
