"""Click-to-call: the exchange is asked by its address with a signature; what fails is said, and never the number."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from otklik.core import installation
from otklik.hotline import dialling
from tests.exchange_simulator import Ami
from tests.hotline.conftest import NUMBER
from tests.servers import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def exchange() -> Iterator[Any]:
    """Listen as an exchange would; it answers with the status it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append((self.path, json.loads(body), self.headers["X-Otklik-Signature"]))
            self.send_response(server.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server: Any = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def secret(settings):
    settings.EXCHANGE_DIAL_SECRET = "secret"


def test_without_an_address_or_a_secret_and_on_a_demo_stand_the_employee_dials_himself(exchange, settings, consultant):
    assert dialling.connect(NUMBER, by=consultant) is None
    settings.EXCHANGE_DIAL = f"http://127.0.0.1:{exchange.server_port}/dial"
    settings.EXCHANGE_DIAL_SECRET = ""
    assert dialling.connect(NUMBER, by=consultant) is None
    settings.EXCHANGE_DIAL_SECRET = "secret"
    installation.mark("demo")
    assert dialling.connect(NUMBER, by=consultant) is None
    assert exchange.asked == []


def test_the_exchange_is_asked_to_ring_the_employee_then_the_number(exchange, settings, consultant):
    settings.EXCHANGE_DIAL = f"http://127.0.0.1:{exchange.server_port}/dial?from={{extension}}&to={{number}}"
    assert dialling.connect(NUMBER, by=consultant) == "101"
    [(path, body, signature)] = exchange.asked
    assert path == "/dial?from=101&to=%2B7%20913%20000-00-01"
    told = f"101.{NUMBER}.{body['at']}".encode()
    assert (body["number"], signature) == (NUMBER, hmac.new(b"secret", told, hashlib.sha256).hexdigest())


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_refusal_is_said_without_the_number(exchange, settings, consultant, status, caplog):
    settings.EXCHANGE_DIAL = f"http://127.0.0.1:{exchange.server_port}/dial?to={{number}}"
    exchange.status = status
    with caplog.at_level(logging.DEBUG), pytest.raises(dialling.NotDialled):
        dialling.connect(NUMBER, by=consultant)
    assert "did not dial" in caplog.text
    assert "913" not in caplog.text


def test_an_exchange_that_is_away_and_an_employee_without_a_telephone(settings, consultant, world):
    settings.EXCHANGE_DIAL = "http://127.0.0.1:1/dial"
    with pytest.raises(dialling.NotDialled):
        dialling.connect(NUMBER, by=consultant)
    with pytest.raises(dialling.NoExtension):
        dialling.connect(NUMBER, by=world.clerk)


@pytest.fixture
def asterisk(settings) -> Iterator[Ami]:
    """Open a manager's port and say where it is."""
    port = free_port()
    server = Ami(port)
    server.open()
    settings.EXCHANGE_DIAL = f"ami://otklik-dial:letmein@127.0.0.1:{port}"
    yield server
    server.cut()


def test_asterisk_rings_the_employee_and_then_dials_the_number(asterisk, settings, consultant):
    settings.EXCHANGE_DIAL_SECRET = ""  # AMI knows us by its user
    assert dialling.connect(NUMBER, by=consultant) == "101"
    [asked] = asterisk.asked
    assert asked.pop("ActionID")
    assert asked == {
        "Action": "Originate",
        "Channel": "PJSIP/101",
        "Context": "from-internal",
        "Exten": "+79130000001",
        "Priority": "1",
        "CallerID": "+79130000001",
        "Timeout": "30000",
        "Async": "true",
    }


def test_context_and_channel_are_the_installations_and_nothing_typed_is_another_action(asterisk, settings, consultant):
    settings.EXCHANGE_DIAL += "/out-of-house?channel=SIP/{extension}"
    consultant.extensions.update(name="7\r\nAction: Command")
    dialling.connect("8 913 000-00-01\r\n\r\nAction: Command\r\nCommand: core stop now", by=consultant)
    [asked] = asterisk.asked
    assert (asked["Action"], asked["Context"]) == ("Originate", "out-of-house")
    assert (asked["Channel"], asked["Exten"]) == ("SIP/7 Action: Command", "89130000001")


def test_a_demo_stand_rings_nobody_by_ami_either(asterisk, consultant):
    installation.mark("demo")
    assert dialling.connect(NUMBER, by=consultant) is None
    assert asterisk.asked == []


def test_what_asterisk_does_not_do_is_said_without_number_or_password(asterisk, settings, consultant, caplog):
    asterisk.refuses = f"Originate failed to {NUMBER}"
    with caplog.at_level(logging.DEBUG), pytest.raises(dialling.NotDialled):
        dialling.connect(NUMBER, by=consultant)
    right = settings.EXCHANGE_DIAL
    for wrong in (right.replace("letmein", "guess"), "ami://otklik-dial:letmein@127.0.0.1:1"):
        settings.EXCHANGE_DIAL = wrong
        with caplog.at_level(logging.DEBUG), pytest.raises(dialling.NotDialled):
            dialling.connect(NUMBER, by=consultant)
    settings.EXCHANGE_DIAL = right
    with pytest.raises(dialling.NotDialled):
        dialling.connect("скрыт", by=consultant)
    assert caplog.text.count("did not dial") == 3
    assert "913" not in caplog.text
    assert "letmein" not in caplog.text
