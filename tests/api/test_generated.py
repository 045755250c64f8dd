"""Requests that nobody would think of, made from the description: the answers keep to it, and none is a defect."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from otklik.api import spec
from otklik.config.wsgi import application
from otklik.correspondence.models import IncomingMessage
from otklik.knowledge import public
from otklik.knowledge.models import Faq, KnowledgeHome, Mark, Section
from tests.api.conftest import handed, made
from tests.appeals.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SCHEMA = schemathesis.openapi.from_dict(spec.description())
SCHEMA.app = application


@pytest.fixture
def secret(world: World) -> str:
    """Return a key that may everything, in a department where there is something at every address."""
    world.assigned()
    content = base64.b64encode(b"1").decode()
    handed(world, files=[{"name": "a.txt", "content": content}])
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Гаражи", slug="garages", unit=world.land))
    faq = section.add_child(instance=Faq(title="Гараж", slug="garage", mark=Mark.PUBLIC, short_answer="Можно"))
    faq.save_revision().publish()
    faq.refresh_from_db()
    public.let_out(faq)
    assert IncomingMessage.objects.exists()
    return made(world.clerk).secret


@pytest.fixture(autouse=True)
def one_connection(secret: str) -> Iterator[None]:
    """Leave the transaction open between requests, as Django's client does; it closes them again when it was used."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@SCHEMA.parametrize()
@settings(max_examples=4, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case, secret: str) -> None:
    # Only the creations: beyond its form a creation obeys rules that no description tells («received_at is not in the
    # future», «the regime is in the dictionary»), and a rule that says no answers 422 as well.
    # Nor does it tell that the last day of a period is not before its first.
    ruled = (case.method == "POST" and "search" not in case.path) or case.path.endswith("/measures")
    excluded = [positive_data_acceptance] if ruled else []
    case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, excluded_checks=excluded)
