"""Figures for Prometheus at `/metrics`: requests as each web process counts them, queues and rows as the database has.

Several web processes write into one folder (`PROMETHEUS_MULTIPROC_DIR`, set by `otklik serve`) and are summed when
asked. A request is told by the name of its view, never by its address; nothing here names a person.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from ipaddress import ip_address, ip_network
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

import otklik
from otklik.core import beats
from otklik.core.access import public
from otklik.core.visitors import address_of
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.reports import health

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
COUNTED_EVERY: Final = 60  # seconds: counting all messages is not for every question
BUCKETS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12)

REQUESTS: Final = Counter("otklik_requests", "Answered requests", ["view", "method", "status"], registry=None)
SECONDS: Final = Histogram("otklik_request_seconds", "Time to answer", ["view"], buckets=BUCKETS, registry=None)


class Measured:
    """Counts every request and how long it took; where asked (`OTKLIK_SERVER_TIMING`), tells it to who asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then count."""
        begun, statements = time.perf_counter(), _Statements()
        with connection.execute_wrapper(statements) if settings.SERVER_TIMING else nullcontext():
            response = self.get_response(request)
        if settings.SERVER_TIMING:
            total = (time.perf_counter() - begun) * 1000
            parts = {"total": total, "db": statements.seconds * 1000, "queries": float(statements.count)}
            response["Server-Timing"] = ", ".join(f"{name};dur={value:.1f}" for name, value in parts.items())
        view = getattr(request.resolver_match, "view_name", None) or "-"
        method = request.method if request.method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "-"
        REQUESTS.labels(view, method, response.status_code).inc()
        SECONDS.labels(view).observe(time.perf_counter() - begun)
        return response


class _Statements:
    """Counts the statements of one answer and the time they take."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - begun


@public
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the figures to a monitor; to anybody else the address does not exist."""
    if not _may_ask(request):
        raise Http404
    registry = CollectorRegistry()
    if FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
        registry.register(SECONDS)
    registry.register(_Rows())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_ask(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        if constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
            return True
    address = address_of(request)
    if "X-Forwarded-For" in request.headers and address == request.META.get("REMOTE_ADDR"):
        return False  # a proxy nobody named speaks for somebody: it is not the proxy that asks
    try:
        return any(ip_address(address) in ip_network(one, strict=False) for one in settings.METRICS_FROM)
    except ValueError:
        return False


class _Rows:
    """What the database knows, asked when a monitor asks."""

    def collect(self) -> Iterator[Metric]:
        yield _gauge("otklik_info", "Version of the product", {(otklik.__version__,): 1}, ["version"])
        ages = health.waiting()
        kinds = {"unprocessed_seconds": "unprocessed", "unsent_seconds": "unsent"}
        oldest = {(channel, kinds[key]): age or 0 for channel, its in ages.items() for key, age in its.items()}
        yield _gauge("otklik_oldest_seconds", "Age of the oldest waiting row", oldest, ["channel", "queue"])
        for name, about, counted in (
            ("otklik_incoming_messages", "Incoming messages by channel and state", "incoming"),
            ("otklik_outgoing_messages", "Outgoing messages by channel and state", "outgoing"),
        ):
            yield _gauge(name, about, _counts()[counted], ["channel", "state"])
        alive = beats.living().values_list("kind").annotate(Count("pk")).order_by()
        working = {("worker",): 0, ("scheduler",): 0} | {(kind,): number for kind, number in alive}
        yield _gauge("otklik_processes", "Processes alive", working, ["kind"])
        levels = {(area.code,): health.WORST.index(area.level) for area in health.areas()}
        yield _gauge("otklik_state", "State by area: 0 good, 1 needs attention, 2 needs a hand", levels, ["area"])
        yield _gauge("otklik_database_bytes", "Size of the database", {(): health.database_size()})
        yield _gauge("otklik_disk_free_bytes", "Free space for data", {(): health.free_space()})
        row = health.last_backup()
        if row and row.finished_at:
            age = (timezone.now() - row.finished_at).total_seconds()
            yield _gauge("otklik_backup_age_seconds", "Time since the last backup", {(): age})


def _counts() -> dict[str, dict[tuple[str, str], int]]:
    counted: Any = cache.get_or_set("metrics.counts", _count, COUNTED_EVERY)
    return dict(counted)


def _count() -> dict[str, dict[tuple[str, str], int]]:
    return {
        name: {(channel, state): number for channel, state, number in _by_state(model)}
        for name, model in (("incoming", IncomingMessage), ("outgoing", OutgoingMessage))
    }


def _by_state(model: Any) -> Iterator[tuple[str, str, int]]:
    yield from model.objects.values_list("channel", "state").annotate(Count("pk")).order_by()


def _gauge(name: str, about: str, values: Mapping[Any, float], labels: list[str] | None = None) -> Metric:
    gauge = GaugeMetricFamily(name, about, labels=labels or [])
    for key, value in values.items():
        gauge.add_metric([str(one) for one in key], value)
    return gauge
