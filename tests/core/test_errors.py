"""A failing database or disk asks to wait and says that nothing was saved; a defect of ours stays a defect."""

from __future__ import annotations

import errno

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from otklik.config import urls as product
from otklik.core import errors
from otklik.core.access import public


@public
def failing(request):
    raise FAILURES[request.GET["by"]]


@public
def fine(request):
    return HttpResponse("да")


FAILURES = {
    "database": OperationalError("database is locked"),
    "connection": InterfaceError("connection already closed"),
    "disk": OSError(errno.ENOSPC, "No space left on device"),
    "defect": ValueError("наша ошибка"),
    "no file": FileNotFoundError(errno.ENOENT, "No such file"),
}
urlpatterns = [path("failing/", failing), path("fine/", fine), *product.urlpatterns]
handler500 = errors.server_error


@pytest.fixture
def client(settings) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("by", ["database", "connection", "disk"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_outage_asks_to_wait_without_asking_the_database(client, by, method):
    answer = getattr(client, method)(f"/failing/?by={by}")
    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "Ничего не сохранено" in page
    assert "Вернитесь назад" in page


def test_a_part_of_a_page_gets_the_notice_alone(client):
    answer = client.post("/failing/?by=database", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert (answer.status_code, answer["HX-Retarget"]) == (503, "#notices")
    assert "Ничего не сохранено" in page
    assert "<html" not in page


@pytest.mark.parametrize("by", ["defect", "no file"])
def test_a_defect_does_not_pass_for_an_outage(client, by):
    answer = client.post(f"/failing/?by={by}")
    assert answer.status_code == 500
    assert "Ничего не сохранено" not in answer.content.decode()


def test_an_outage_outside_of_views_is_told_the_same_way(client, monkeypatch):
    from otklik.knowledge.rights import TodaysRights

    def down(self, request):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(TodaysRights, "__call__", down)
    assert client.get("/fine/").status_code == 503
