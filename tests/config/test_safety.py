"""A working system does not start with settings that give it away, and says which; the log says no more than it may."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as living
from django.core import checks
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from otklik.config import safety
from otklik.config import settings as settings_module
from otklik.core import errors, logs
from otklik.core.models import Installation

pytestmark = pytest.mark.django_db
KEY = "Qz0kG7x-q2Lw9Zt_Vb4Nc8Rf1Hs6Yd3Jm5Pa0Ue-Xo7Ti2Wl9Kz"


@pytest.fixture
def safe(settings: Any, tmp_path: Path) -> Any:
    """Settings of a system as it should be."""
    settings.DATA = tmp_path
    tmp_path.chmod(0o750)
    settings.DEBUG, settings.SECRET_KEY = False, KEY
    settings.BASE_URL, settings.HTTPS, settings.INSECURE_HTTP = "https://otklik.example", True, False
    settings.ALLOWED_HOSTS = ["otklik.example", "127.0.0.1"]
    settings.MAILBOXES, settings.SMTP_URL = [], "smtp://127.0.0.1:25"
    return settings


UNSAFE: list[tuple[dict[str, Any], str, str]] = [
    ({"DEBUG": True}, "otklik.E001", "OTKLIK_DEBUG"),
    ({"SECRET_KEY": "short"}, "otklik.E002", "OTKLIK_SECRET_KEY"),
    ({"SECRET_KEY": "ab" * 40}, "otklik.E002", "OTKLIK_SECRET_KEY"),
    ({"SECRET_KEY": f"django-insecure-{KEY}"}, "otklik.E002", "OTKLIK_SECRET_KEY"),
    ({"ALLOWED_HOSTS": ["*"]}, "otklik.E004", "OTKLIK_ALLOWED_HOSTS"),
    ({"ALLOWED_HOSTS": ["127.0.0.1"]}, "otklik.E005", "otklik.example,127.0.0.1"),
    ({"HTTPS": False}, "otklik.E006", "OTKLIK_INSECURE_HTTP"),
]


def test_files_that_go_over_the_network_in_the_open_are_warned_of(safe: Any, production: Installation) -> None:
    for endpoint, warned in (
        ("https://s3.example", False),
        ("http://127.0.0.1:9000", False),
        ("http://s3.example", True),
    ):
        safe.S3_URL = f"s3://files/here?endpoint={endpoint}"
        assert [one.id for one in safety.check_settings()] == ["otklik.W004"] * warned


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s3").write_text("from the file\n")
    monkeypatch.setenv("OTKLIK_S3_SECRET", "from the environment")
    assert settings_module._secret("OTKLIK_S3_SECRET") == "from the environment"
    monkeypatch.setenv("OTKLIK_S3_SECRET_FILE", str(tmp_path / "s3"))
    assert settings_module._secret("OTKLIK_S3_SECRET") == "from the file"


def test_a_safe_system_starts_without_a_word(safe: Any, production: Installation) -> None:
    assert safety.refuse_unsafe() == []


@pytest.mark.parametrize(("changes", "code", "cure"), UNSAFE)
def test_an_unsafe_setting_is_refused_with_its_cure(
    changes: dict[str, Any], code: str, cure: str, safe: Any, production: Installation
) -> None:
    for name, value in changes.items():
        setattr(safe, name, value)
    [found] = safety.check_settings()
    assert found.id == code
    with pytest.raises(CommandError) as refusal:
        safety.refuse_unsafe()
    assert found.msg in str(refusal.value)
    assert cure in str(refusal.value)


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_the_services_do_not_start(command: str, safe: Any, production: Installation) -> None:
    safe.DEBUG = True
    with pytest.raises(CommandError, match="режим разработчика"):
        call_command(command)


def test_everything_wrong_is_told_at_once(safe: Any, production: Installation) -> None:
    safe.DEBUG, safe.ALLOWED_HOSTS, safe.HTTPS = True, ["*"], False
    with pytest.raises(CommandError) as refusal:
        safety.refuse_unsafe()
    assert [line[:4] for line in str(refusal.value).splitlines()[1::2]] == ["  1.", "  2.", "  3."]


def test_a_key_others_can_read_is_refused(safe: Any, production: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTKLIK_SECRET_KEY", raising=False)
    key = safe.DATA / "secret.key"
    key.write_text(KEY)
    key.chmod(0o644)
    with pytest.raises(CommandError, match=f"chmod 600 {key}"):
        safety.refuse_unsafe()
    key.chmod(0o600)
    assert safety.refuse_unsafe() == []


def test_a_closed_network_may_do_without_https_and_is_warned(safe: Any, production: Installation) -> None:
    safe.HTTPS, safe.INSECURE_HTTP = False, True
    [warning] = safety.refuse_unsafe()
    assert "без https" in warning


def test_a_password_sent_in_the_clear_and_an_open_folder_are_warned_of(safe: Any, production: Installation) -> None:
    safe.MAILBOXES = ["imap://info:hidden@mail.example/INBOX"]
    safe.DATA.chmod(0o755)
    told = "\n".join(safety.refuse_unsafe())
    assert "OTKLIK_MAILBOXES, mail.example" in told
    assert "hidden" not in told
    assert "chmod 750" in told


def test_sqlite_serves_with_one_process(safe: Any, production: Installation) -> None:
    from django.db import connection

    if connection.vendor == "postgresql":
        assert safety.refuse_unsafe(processes=4) == []
    else:
        with pytest.raises(CommandError, match="указано 4"):
            safety.refuse_unsafe(processes=4)


def test_a_stand_and_an_unmarked_base_start_as_they_are(safe: Any, demo_stand: Installation) -> None:
    safe.DEBUG = True
    assert safety.refuse_unsafe() == []
    Installation.objects.all().delete()
    assert safety.refuse_unsafe() == []


def test_check_deploy_tells_the_same(safe: Any) -> None:
    safe.DEBUG = True
    found = checks.run_checks(tags=["otklik"], include_deployment_checks=True)
    assert [one.id for one in found] == ["otklik.E001"]
    assert checks.run_checks(tags=["otklik"]) == []


# The log


@pytest.fixture
def lines() -> Any:
    """Return what the JSON log of this installation says, line by line."""
    configured = logging.config.DictConfigurator(living.LOGGING)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(configured.configure_formatter(dict(living.LOGGING["formatters"]["json"])))
    for name in living.LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(configured.configure_filter(dict(living.LOGGING["filters"][name])))
    loggers = [logging.getLogger(name) for name in ("otklik", "django.request")]
    for one in loggers:
        one.addHandler(handler)
    yield lambda: [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    for one in loggers:
        one.removeHandler(handler)


def test_the_log_the_page_and_the_header_name_one_number(lines: Any, settings: Any) -> None:
    settings.TESTING = False

    def broken(request: HttpRequest) -> HttpResponse:
        try:
            raise ValueError("сломано")
        except ValueError as exc:
            return errors.DomainErrorMiddleware(lambda _: HttpResponse()).process_exception(request, exc)  # type: ignore[return-value]

    answer = logs.RequestNumber(broken)(RequestFactory().get("/"))
    number = answer["X-Request-ID"]
    assert f"<strong>{number}</strong>" in answer.content.decode()
    [line] = lines()
    assert line["request"] == number
    assert number in line["message"]
    assert "ValueError: сломано" in line["trace"]
    assert set(line) == {"time", "level", "logger", "request", "message", "trace"}


def test_a_proxys_number_is_kept_and_anything_else_is_not(client: Client) -> None:
    given = "0123456789abcdef0123456789abcdef"
    assert client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given
    for odd in ("x" * 12, "1", "a" * 65, "<script>", "0123456789ab\n"):
        assert client.get("/healthz", headers={"X-Request-ID": odd})["X-Request-ID"] != odd
    assert client.get("/healthz")["X-Request-ID"] != client.get("/healthz")["X-Request-ID"]
    assert logs.request_number() == ""


def test_a_refused_request_is_logged_with_its_number_too(lines: Any, client: Client) -> None:
    answer = client.get("/nowhere/")
    assert [(line["request"], line["message"]) for line in lines()] == [
        (answer["X-Request-ID"], "Not Found: /nowhere/")
    ]


def test_what_a_caller_attaches_is_not_written(lines: Any) -> None:
    logging.getLogger("otklik.test").warning("сказано", extra={"applicant": "Секретова"})
    [line] = lines()
    assert (line["message"], line["request"]) == ("сказано", "-")
    assert "екретова" not in json.dumps(line, ensure_ascii=False)
