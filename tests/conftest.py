"""What every test gets: a copied database, a data folder of its own, no network beyond this machine."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.core.cache import cache
from django.test import SimpleTestCase, TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests import components, databases, sizes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django import DjangoDbBlocker

    from otklik.core.models import Installation


# No test is timed: how long an example takes says how busy the machine is.
hypothesis_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker, worker_id: str
) -> Iterator[None]:
    """Copy the migrated template; a test with real transactions is followed by a fresh copy instead of a flush."""
    if request.config.getoption("db") == "postgres":
        components.POSTGRES.require()
    template = databases.template(worker_id)
    original = TransactionTestCase._fixture_teardown
    with django_db_blocker.unblock():
        template.prepare()
        TransactionTestCase._fixture_teardown = lambda _self: template.restore()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # a tenth of the suite's time went into looking for cycles
    yield
    TransactionTestCase._fixture_teardown = original


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """Name this process: «gw0», «gw1» under xdist, «main» without."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """Keep stored files and media of each test apart; also forget the process-wide cache."""
    settings.FILES_ROOT = tmp_path / "files"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SEARCH_ROOT = tmp_path / "search"
    cache.clear()
    return tmp_path


@pytest.fixture(autouse=True, scope="session")
def quick_hashes() -> None:
    """Hash passwords quickly: real hashing is slow on purpose, and hundreds of passwords are given and tried here."""
    hashers.get_hashers.cache_clear()
    hashers.get_hashers_by_algorithm.cache_clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def this_machine_only() -> Iterator[None]:
    """Refuse connections that leave the machine: no test needs the internet."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and host not in {"localhost", "::1", "0.0.0.0"} and not str(host).startswith("127."):
            raise RuntimeError(f"Тест обращается в сеть: {host}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


def _installation(kind: str) -> Installation:
    from otklik.core.models import Installation

    return Installation.objects.update_or_create(id=1, defaults={"kind": kind})[0]


@pytest.fixture
def production(db: None) -> Installation:
    """Mark the database as a working system."""
    return _installation("production")


@pytest.fixture
def demo_stand(db: None) -> Installation:
    """Mark the database as a demo stand, from which nothing leaves."""
    return _installation("demo")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer with empty pages: where a door leads is seen without drawing what is behind it."""
    monkeypatch.setattr("django.template.backends.django.Template.render", lambda *_, **__: "")


@pytest.fixture(scope="session")
def full_size() -> bool:
    """Tell whether long proofs run at full size (`make proof`)."""
    return sizes.FULL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell once what asks for no database; begin with what takes minutes: what ends last makes everybody wait."""
    for item in items:
        if not _asks_for_the_database(item):
            item.add_marker("once")
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def _asks_for_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(getattr(item, "fixturenames", [])):
        return True
    return issubclass(getattr(item, "cls", None) or object, SimpleTestCase)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip (under `CI=true` fail) a marked test whose system component is missing, by name."""
    for mark, component in components.BY_MARK.items():
        if item.get_closest_marker(mark):
            component.require()


# No picture is drawn on a card, and nothing is fetched by the browser for itself.
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium once per session."""
    components.CHROMIUM.require()
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread; Django's guard against blocking calls in one does not apply.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=components.chromium(), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages that stay on this machine: a request to any other host fails the test."""
    outside: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "ru-RU", "viewport": {"width": 1440, "height": 900}, **options})
        context.on("request", lambda request: None if _is_local(request.url) else outside.append(request.url))
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert outside == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """Open one desktop page, 1440 px wide."""
    return new_page()


def _is_local(url: str) -> bool:
    return url.startswith(("http://localhost", "http://127.0.0.1", "data:", "blob:", "about:", "chrome"))
