"""Traces of the verbs for OpenTelemetry, where a person has it: `pip install 'paper-digest[trace]'`.

Where the spans go is said by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and the others.
Without them, or without the packages, a verb is just called. Spans carry counts, never addresses.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from digest.errors import DigestError

_WHERE_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"
P = ParamSpec("P")
R = TypeVar("R")


def start_tracing(environ: Mapping[str, str] = os.environ) -> None:
    """Send spans where the environment says; nothing when it says nothing. Raises `DigestError` without the packages."""
    if not environ.get(_WHERE_TO):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise DigestError(
            f"{_WHERE_TO} asks for traces: pip install 'paper-digest[trace]', or unset it"
        ) from error
    named = {} if environ.get("OTEL_SERVICE_NAME") else {"service.name": "paper-digest"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def traced(name: str, *counts: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make every call of a verb a span, with these numbers of the report it returns.

    An exception that leaves the verb is noted and passes on.
    """

    def around(verb: Callable[P, R]) -> Callable[P, R]:
        @wraps(verb)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            tracer = _tracer()
            if tracer is None:
                return verb(*args, **kwargs)
            with tracer.start_as_current_span(name) as span:
                report = verb(*args, **kwargs)
                span.set_attributes({count: getattr(report, count) for count in counts})
                return report

        return call

    return around


@cache
def _tracer() -> Any:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("digest")
