"""One JSON line an event, without secrets; and figures for a monitor behind a token."""

import logging
import sys
import time
from logging.config import dictConfig

from flask import Flask, Response, abort, g, has_request_context, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from pythonjsonlogger.json import JsonFormatter

from app.core import clock, outbox
from app.core.secrets import same
from app.core.settings import Settings, current_settings

log = logging.getLogger("portico.access")

REQUESTS = Counter("portico_requests", "Answers by dialect and status", ["surface", "status"])
SECONDS = Histogram(
    "portico_request_seconds",
    "How long answers took",
    ["surface"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.3, 1, 5),
)
OUTBOX_WAITING = Gauge("portico_outbox_waiting", "Promises not kept yet")
OUTBOX_DEAD = Gauge("portico_outbox_dead", "Promises given up")
OUTBOX_OLDEST = Gauge("portico_outbox_oldest_seconds", "Age of the oldest promise not kept yet")


class RequestFilter(logging.Filter):
    """Puts the request's id on every line that is written while one is served."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "") if has_request_context() else ""
        return True


class Formatter(JsonFormatter):
    """One line a record, in UTC; what is not printable is escaped by JSON itself."""

    def add_fields(
        self, log_data: dict[str, object], record: logging.LogRecord, message_dict: dict[str, object]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data["at"] = clock.now().isoformat(timespec="milliseconds")


def configure_logs(settings: Settings) -> None:
    """Send every logger's lines to the standard error, as JSON."""
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"request": {"()": RequestFilter}},
            "formatters": {
                "json": {"()": Formatter, "fmt": "%(levelname)s %(name)s %(message)s %(request_id)s"}
            },
            "handlers": {
                "out": {
                    "class": "logging.StreamHandler",
                    "stream": sys.stderr,
                    "formatter": "json",
                    "filters": ["request"],
                }
            },
            # Its steps belong on the terminal of whoever migrates by hand, not in every command's output.
            "loggers": {"alembic": {"level": "WARNING"}},
            "root": {"level": settings.log_level, "handlers": ["out"]},
        }
    )


def init_logs(app: Flask) -> None:
    """Write one line for each answer, and show ``/metrics`` to whoever has the token."""
    app.before_request(_start)
    app.after_request(_finish)
    app.add_url_rule("/metrics", "metrics", _metrics, methods=["GET"])


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    surface = (request.blueprint or "none").split(".")[0]
    REQUESTS.labels(surface, response.status_code).inc()
    SECONDS.labels(surface).observe(seconds)
    if request.endpoint != "static":
        # The rule, not the address: a path can hold a token, a query an address.
        log.info(
            "request",
            extra={
                "method": request.method,
                "route": str(request.url_rule or "none"),
                "status": response.status_code,
                "ms": round(seconds * 1000, 1),
                "code": g.get("problem_code"),
                "ip": (request.remote_addr or "")[:45],  # behind a proxy it is what a header says
                "session": getattr(g.get("actor"), "session_id", None),
            },
        )
    return response


def _metrics() -> Response:
    token = current_settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not same(given, token):
        abort(404)
    _measure_outbox()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _measure_outbox() -> None:
    try:
        standing = outbox.backlog()
    except Exception as error:  # noqa: BLE001 - a monitor wants the other figures most when the database is away
        log.warning("metrics: the outbox could not be asked: %s", type(error).__name__)
        for gauge in (OUTBOX_WAITING, OUTBOX_DEAD, OUTBOX_OLDEST):
            gauge.set(float("nan"))
        return
    OUTBOX_WAITING.set(standing.waiting)
    OUTBOX_DEAD.set(standing.dead)
    OUTBOX_OLDEST.set(standing.oldest_seconds)
