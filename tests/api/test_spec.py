"""The description of the API is whole, for programs and for people, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from otklik.api import spec
from otklik.people.tokens import SCOPES

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.mark.django_db
def test_every_operation_is_described_with_its_scopes_and_refusals(client: Client) -> None:
    told = client.get("/api/v1/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    operations = [one for path in told["paths"].values() for one in path.values()]
    assert len(operations) == len(list(spec.operations())) > 12
    for one in operations:
        assert one["summary"]
        assert len(one["description"]) > 20
        assert one["security"]
        assert {"401", "403", "404", "422", "429", "500", "503"} <= set(one["responses"])
        for status, answer in one["responses"].items():
            kind = "application/problem+json" if status >= "400" else None
            assert answer["description"]
            assert kind is None or list(answer["content"]) == [kind]
        if "requestBody" in one:
            assert {"400", "413", "415"} <= set(one["responses"])
    named = {scope for one in operations for need in one["security"] for scope in need["AccessKey"]}
    assert named == set(SCOPES) - {"applicants.read"}  # it opens more of an answer, no operation of its own
    assert "applicants.read" in str(told)


@pytest.mark.django_db
def test_every_creation_takes_an_idempotency_key(client: Client) -> None:
    told = client.get("/api/v1/openapi.json").json()
    creations = [one for path in told["paths"].values() for one in path.values() if "201" in one["responses"]]
    assert len(creations) == 4
    for one in creations:
        [header] = [p for p in one["parameters"] if p["in"] == "header"]
        assert (header["name"], header["required"]) == ("Idempotency-Key", True)
        assert "Location" in one["responses"]["201"]["headers"]


@pytest.mark.django_db
def test_people_read_every_operation_on_a_page_of_ours(client: Client) -> None:
    page = client.get("/api/v1/").content.decode()
    for name, operation in spec.operations():
        assert f'id="{name}"' in page
        assert operation.summary in page
    outside = re.findall(r'(?:src|href)="(?:https?:)?//[^"]+"', page)
    assert outside == []


@pytest.mark.once
def test_the_guide_names_every_scope_and_every_operation() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [scope for scope in SCOPES if f"`{scope}`" not in guide] == []
    paths = set(spec.description()["paths"])
    assert [path for path in paths if path.removeprefix("/api/v1") not in guide] == []
