"""Numbers of СЭД handed over by a program keep the rules of the page."""

from __future__ import annotations

import pytest
from django.utils import timezone

from otklik.appeals.models import SedNumber, SedRecord
from tests.api.conftest import program
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


def test_documents_are_kept_once_and_tied_to_the_case_they_name() -> None:
    world = World()
    appeal, day = world.registered(), timezone.localdate().isoformat()
    caller = program(world.clerk, "sed.write")
    rows = [
        {"direction": "in", "number": "5/1", "on": day, "our_number": appeal.number},
        {"direction": "out", "number": "5/2", "on": day},
        {"direction": "in", "number": "без цифр", "on": day},
    ]
    answer = caller.put("/sed/documents", {"rows": rows})
    assert answer.status_code == 200
    assert answer.json()["kept"] == 2
    assert [one["verdict"] for one in answer.json()["rows"]] == ["link", "new", "refuse"]
    assert [one["verdict"] for one in caller.put("/sed/documents", {"rows": rows}).json()["rows"]][:2] == ["same"] * 2
    assert (SedRecord.objects.count(), SedNumber.objects.get().appeal) == (2, appeal)


def test_who_may_not_write_numbers_on_the_page_may_not_by_a_program() -> None:
    world = World()
    rows = [{"direction": "in", "number": "5/1", "on": timezone.localdate().isoformat()}]
    assert program(world.executor, "sed.write").put("/sed/documents", {"rows": rows}).status_code == 403
    assert program(world.clerk, "appeals.read").put("/sed/documents", {"rows": rows}).status_code == 403
    assert program(world.clerk, "sed.write").put("/sed/documents", {"rows": []}).status_code == 422
    assert not SedRecord.objects.exists()
