"""A log says where and of what kind a failure was; what stood in the row stays in the database."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, transaction

from otklik.people.models import Applicant, Contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def said():
    """Return what the log of this installation says, as its handler writes it."""
    configured = logging.config.DictConfigurator(settings.LOGGING)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(configured.configure_formatter(settings.LOGGING["formatters"]["line"]))
    for name in settings.LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(configured.configure_filter(dict(settings.LOGGING["filters"][name])))
    log = logging.Logger("otklik.test")
    log.addHandler(handler)

    def say(act) -> str:
        try:
            with transaction.atomic():
                act()
        except Exception:
            log.exception("ошибка")
        return handler.stream.getvalue()

    return say


# Apart from the functions: a traceback shows their lines.
PERSON = {"kind": "person", "last_name": "Секретова"}
ADDRESS = {"kind": "email", "value": "sekret@citizen.example", "key": "sekret@citizen.example"}


def refused() -> None:
    one = Applicant.objects.create(name_key="", **PERSON)
    Contact.objects.create(applicant=one, **ADDRESS)
    Contact.objects.create(applicant=one, **ADDRESS)


def without_a_name() -> None:
    Applicant.objects.create(name_key=None, **PERSON)


@pytest.mark.parametrize("act", [refused, without_a_name])
def test_a_refused_row_is_logged_without_what_stood_in_it(said, act):
    text = said(act)
    assert "django.db.utils.IntegrityError" in text
    assert f"in {act.__name__}" in text
    assert "екретова" not in text
    assert "sekret" not in text


def test_what_came_of_it_is_logged_without_the_row_too(said):
    def wrapped() -> None:
        try:
            without_a_name()
        except DatabaseError as exc:
            raise RuntimeError("не записано") from exc

    text = said(wrapped)
    assert "RuntimeError: не записано" in text
    assert "екретова" not in text


def test_a_lost_database_is_logged_in_its_own_words(said):
    def lost() -> None:
        raise OperationalError("could not connect to server")

    assert "could not connect to server" in said(lost)
