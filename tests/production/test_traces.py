"""Traces as a collector gets them: where time went, and not whom it was about."""

import gzip
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from campaign.monitoring import tracing
from tests.chaos.surroundings import free_port

ADDRESS = "anna.jansen@home.example"
TOKEN = "s3cret-token-of-somebody-0123456789"


class Collector(HTTPServer):
    """A collector that keeps what it is sent, as OTLP over HTTP."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.bodies: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def spans(self) -> list[Any]:
        found = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for export in found
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.paths.add(self.path)
        self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    tracing.end()
    server = Collector()
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "news")
    yield server
    tracing.end()
    server.shutdown()
    thread.join()
    server.server_close()


def facts(span: Any) -> dict[str, Any]:
    return {a.key: a.value.int_value or a.value.string_value for a in span.attributes}


@pytest.mark.django_db
def test_a_collector_gets_each_request_by_its_route(
    client: Client, collector: Collector
) -> None:
    client.post(f"/u/{TOKEN}/", {"email": ADDRESS})
    client.get("/admin/login/", {"next": f"/{TOKEN}"}, headers={"referer": ADDRESS})
    client.get(f"/nowhere/{ADDRESS}")
    client.generic(f"STEAL-{TOKEN}", "/admin/login/")
    tracing.end()
    assert collector.paths == {"/v1/traces"}
    found = {span.name: facts(span) for span in collector.spans()}
    assert set(found) >= {"GET admin/login/", "GET (none)", "other admin/login/"}
    (posted,) = [name for name in found if name.startswith("POST ")]
    assert found[posted]["http.response.status_code"] == 404
    assert found["GET admin/login/"] == {
        "http.request.method": "GET",
        "http.route": "admin/login/",
        "http.response.status_code": 200,
    }
    assert all(s.end_time_unix_nano > s.start_time_unix_nano for s in collector.spans())
    sent = b"".join(collector.bodies)
    assert b"news" in sent
    for hidden in (ADDRESS, "anna.jansen", TOKEN, "s3cret"):
        assert hidden.encode() not in sent


def test_a_span_names_what_went_wrong_by_its_kind_alone(collector: Collector) -> None:
    with pytest.raises(IntegrityError), tracing.span("work"):
        raise IntegrityError(f"Key (value)=({ADDRESS}) already exists.")
    tracing.end()
    (span,) = collector.spans()
    assert facts(span) == {"error.type": "IntegrityError"}
    assert ADDRESS.encode() not in b"".join(collector.bodies)


@pytest.mark.django_db
def test_a_collector_that_is_away_holds_up_nobody(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracing.end()
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    client.get("/admin/login/")  # imports what is imported once
    began = time.process_time()
    assert client.get("/admin/login/").status_code == 200
    assert time.process_time() - began < 1
    tracing.end()
