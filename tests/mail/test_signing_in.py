"""A mailbox is opened without a password: a token of OAuth2, asked for anew when it ends or is refused."""

from __future__ import annotations

import base64
import smtplib
import sys
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, Session

from otklik.channels.mail import oauth, smtp
from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.models import MailboxState
from otklik.correspondence.models import IncomingMessage
from tests import servers
from tests.fakes.tokens import Tokens, tokens
from tests.mail import letters

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def running() -> Iterator[Tokens]:
    with tokens() as there:
        yield there


@pytest.fixture
def provider(running: Tokens, settings, monkeypatch) -> Tokens:
    running.asked.clear()
    running.good.clear()
    running.fail, running.expires_in = None, 3600
    monkeypatch.setattr(oauth, "_kept", {})
    monkeypatch.setattr("otklik.channels.wire.SECONDS", (0.3, 0.3))
    settings.MAIL_TOKEN_URL, settings.MAIL_TOKEN_CLIENT = f"{running.url}/token", "otklik"
    settings.MAIL_TOKEN_SECRET, settings.MAIL_TOKEN_SCOPE = "hidden-secret", "mail"
    return running


def test_a_token_is_asked_for_once_and_anew_before_it_ends(provider):
    assert [oauth.token("info"), oauth.token("head")] == ["token-1", "token-1"]
    assert provider.asked == [
        {"grant_type": "client_credentials", "client_id": "otklik", "client_secret": "hidden-secret", "scope": "mail"}
    ]
    provider.expires_in = oauth.EARLY  # it has ended for us before it is here
    assert oauth.token("info", fresh=True) == "token-2"
    assert oauth.token("info") == "token-3"


def test_a_refresh_token_is_used_where_there_is_one(provider, settings):
    settings.MAIL_TOKEN_REFRESH = "long-lived"
    oauth.token("info")
    assert (provider.asked[0]["grant_type"], provider.asked[0]["refresh_token"]) == ("refresh_token", "long-lived")


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, {"error": "invalid_client", "error_description": "hidden-secret is wrong"}, "invalid_client"),
        (200, {"token": "x"}, "нет access_token"),
        (200, {"access_token": 7}, "нет access_token"),
        (503, {}, "просит подождать"),
    ],
)
def test_what_the_provider_says_no_with_is_told_without_a_secret(provider, status, said, words):
    provider.fail = (status, said)
    with pytest.raises(oauth.NoToken) as told:
        oauth.token("info")
    assert words in str(told.value)
    assert "hidden-secret" not in str(told.value)


def test_a_command_gives_the_token_of_the_mailbox_it_is_told(settings, monkeypatch):
    monkeypatch.setattr(oauth, "_kept", {})
    settings.MAIL_TOKEN_COMMAND = f"{sys.executable} -c 'import sys; print(\"for-\" + sys.argv[1])'"
    assert [oauth.token("info"), oauth.token("head")] == ["for-info", "for-head"]
    settings.MAIL_TOKEN_COMMAND = f"{sys.executable} -c 'raise SystemExit(\"secret\")'"
    with pytest.raises(oauth.NoToken, match="не выполнена"):
        oauth.token("info", fresh=True)


@pytest.mark.dovecot
def test_a_mailbox_is_read_by_a_token_and_a_refused_one_is_asked_for_anew(provider, settings):
    with servers.dovecot(introspect=f"{provider.url}/introspect") as boxes:
        boxes.deliver("info", letters.letter())
        settings.MAILBOXES = [f"imap://info@127.0.0.1:{boxes.port}/INBOX?auth=xoauth2"]
        list(MailChannel().fetch())
        assert MailboxState.objects.get().error == ""
        assert IncomingMessage.objects.get().text == letters.TEXT
        provider.good.clear()  # the provider has taken it back
        boxes.deliver("info", letters.letter(message_id="<two@c.example>"))
        list(MailChannel().fetch())
        assert MailboxState.objects.get().error == ""
        assert IncomingMessage.objects.count() == 2
        assert len(provider.asked) == 2
        provider.fail = (400, {"error": "invalid_grant"})
        provider.good.clear()
        list(MailChannel().fetch())
        assert "invalid_grant" in MailboxState.objects.get().error


class Door:
    """A server for sending that lets in who brings a good token, and says why not otherwise."""

    def __init__(self, provider: Tokens) -> None:
        self.provider = provider
        self.letters: list[Envelope] = []

    async def auth_XOAUTH2(self, server: Server, args: list[str]) -> AuthResult:
        said = base64.b64decode(args[1]).decode()
        if said.partition("Bearer ")[2].strip("\x01") in self.provider.good:
            return AuthResult(success=True, auth_data="info")
        await server.challenge_auth(b'{"status":"401"}')
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        self.letters.append(envelope)
        return "250 OK"


def test_the_server_for_sending_is_signed_in_to_by_the_same_token(provider, settings):
    door = Door(provider)
    controller = Controller(door, hostname="127.0.0.1", port=servers.free_port(), auth_require_tls=False)
    controller.start()
    try:
        url = f"smtp://info@127.0.0.1:{controller.port}?auth=xoauth2"
        smtp.try_out(url)
        provider.good.clear()
        smtp.try_out(url)
        assert len(provider.asked) == 2
        provider.fail, provider.good = (200, {"access_token": "stale", "expires_in": 1}), set()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.try_out(url)
    finally:
        controller.stop()
