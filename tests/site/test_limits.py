"""Who knocks is told by what trusted proxies wrote, and by nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from otklik.channels.site import limits
from otklik.channels.site.models import FormAttempt
from otklik.core import visitors

WRITE = FormAttempt.Form.WRITE


def request(remote="198.51.100.7", forwarded=None):
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    return RequestFactory().post("/write/", REMOTE_ADDR=remote, **headers)


def test_a_stranger_cannot_change_his_address_by_a_header(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert visitors.address_of(request(forwarded="1.2.3.4")) == "198.51.100.7"


def test_a_trusted_proxy_names_the_visitor_and_what_he_forged_before_it_does_not_count(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert visitors.address_of(request("10.0.0.1", "1.2.3.4, 203.0.113.5")) == "203.0.113.5"
    assert visitors.address_of(request("10.0.0.1", "1.2.3.4, 203.0.113.5, 10.0.0.2")) == "203.0.113.5"
    assert visitors.address_of(request("10.0.0.1")) == "10.0.0.1"


def test_rubbish_in_the_header_breaks_nothing(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert visitors.address_of(request("10.0.0.1", "<script>, , ')")) == "')"
    assert len(limits.visitor_of(request("10.0.0.1", "x" * 10_000))) == 64


def test_attempts_are_counted_apart_for_each_visitor_and_form(db, monkeypatch):
    monkeypatch.setitem(limits.ALLOWED, WRITE, (1, timedelta(hours=1)))
    limits.count(WRITE, request())
    with pytest.raises(limits.TooOften):
        limits.count(WRITE, request())
    limits.count(WRITE, request("198.51.100.8"))
    limits.count(FormAttempt.Form.STATUS, request())


def test_old_attempts_are_swept_and_no_longer_count(db, monkeypatch):
    monkeypatch.setitem(limits.ALLOWED, WRITE, (1, timedelta(hours=1)))
    limits.count(WRITE, request())
    FormAttempt.objects.update(at=timezone.now() - timedelta(days=2))
    limits.count(WRITE, request())
    assert FormAttempt.objects.count() == 1
