"""Traces: one span a verb, with counts and no addresses; and nothing at all where nobody asked."""

import sys

import pytest

from digest import traces
from digest.app import App
from digest.errors import DigestError
from tests.builders import NOW


@pytest.fixture
def spans(monkeypatch):
    """The spans that a test makes."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry: pip install '.[trace]'")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    monkeypatch.setattr(traces, "_tracer", lambda: provider.get_tracer("digest"))
    return exporter


def test_every_verb_is_one_span_with_its_counts(spans, tmp_path):
    with App.open(tmp_path) as app:
        app.ingest(now=NOW)
        app.publish(now=NOW)
        app.deliver(clock=lambda: NOW)
    found = {span.name: dict(span.attributes or {}) for span in spans.get_finished_spans()}
    assert set(found) == {"ingest", "publish", "deliver"}
    assert found["publish"]["queued"] == 0
    assert found["deliver"]["sent"] == 0


def test_a_failure_is_noted_and_passes_on(spans):
    @traces.traced("step")
    def step():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        step()
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok


def test_without_the_packages_a_verb_is_just_called(monkeypatch):
    monkeypatch.setattr(traces, "_tracer", lambda: None)
    assert traces.traced("step")(lambda papers: papers + 1)(2) == 3


def test_traces_that_are_asked_for_without_the_packages_are_told_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(DigestError, match=r"paper-digest\[trace\]"):
        traces.start_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})


def test_nobody_asked_and_nothing_starts():
    traces.start_tracing({})
