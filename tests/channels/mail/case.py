"""Letters: a real Dovecot and an SMTP server, and sockets that fail where those would not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import components, servers
from tests.channels import contract
from tests.channels.contract import Letter
from tests.mail import letters

SAYS = {  # what a server that fails says before it hangs up; nothing: it is silent
    "5xx": b"* BYE [UNAVAILABLE] try later\r\n",
    "send_5xx": b"421 4.3.2 try later\r\n",
    "timeout": b"",
    "send_timeout": b"",
}


class Mail(contract.Case):
    """Tried through a mailbox."""

    code = "email"
    name = "mail"
    threads = False
    says_when = False  # SMTP has no Retry-After
    goes_to = {"kind": "answer", "recipient": "anna@citizen.example"}
    does_not_apply = {
        **contract.NOT_CALLED,
        **contract.NO_XML,
        "429": "IMAP has no such answer; a server that is busy hangs up: see 5xx",
    }

    def start(self) -> None:
        components.DOVECOT.require()
        self.stack = ExitStack()
        self.dovecot = self.stack.enter_context(servers.dovecot())
        self.sink = self.stack.enter_context(servers.smtp_sink())
        self.users = 0

    def stop(self) -> None:
        self.stack.close()

    def open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.conf import settings

        from otklik.core.models import Installation

        Installation.objects.update_or_create(id=1, defaults={"kind": "production"})  # a demo stand sends nothing
        self.users += 1
        self.user = f"contract-{self.users}"
        self.sink.letters.clear()
        monkeypatch.setattr(settings, "MAILBOXES", [self.dovecot.url(self.user)])
        monkeypatch.setattr(settings, "SMTP_URL", self.sink.url)
        monkeypatch.setattr("otklik.channels.mail.imap.SECONDS", 5)
        monkeypatch.setattr("otklik.channels.mail.smtp.SECONDS", 5)

    def raw(self, letter: Letter) -> bytes:
        headers = {"In_Reply_To": f"<{letter.reply_to}@citizen.example>"} if letter.reply_to else {}
        made = letters.letter(
            message_id=f"<{letter.number}@citizen.example>", text=letter.text, files=list(letter.files), **headers
        )
        return made.replace(
            b"Tue, 24 Nov 2026 10:00:00 +0700", f"{letter.sent_at:%a, %d %b %Y %H:%M:%S +0000}".encode()
        )

    def broken(self, case: str) -> Iterable[bytes]:
        whole = self.raw(Letter())
        head, _, body = whole.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if case == "missing":
            return [b"\r\n".join(lines[:at] + lines[at + 1 :]) + b"\r\n\r\n" + body for at in range(len(lines))]
        if case == "unknown":
            return [b"X-Nobody-Knows: 1\r\n" + whole]
        if case == "types":
            return [b"\r\n".join(line.split(b":")[0] + b": \xff\x00=?x?q?=" for line in lines) + b"\r\n\r\n" + body]
        if case == "huge":
            return [self.raw(Letter(text="Очень длинно. " * 100_000)), letters.nested(40)]
        if case == "empty":
            return [b"", b"\r\n", b"\r\n\r\n"]
        if case == "noise":
            return list(contract.noise())
        if case == "charset":
            return [letters.encoded("cp1251", said, "base64") for said in ("utf-8", "x-unknown", "us-ascii")]
        if case == "attachment":
            return [self.raw(Letter(files=[("план.pdf", b"")]))]
        return ()

    def put(self, *sent: Letter) -> None:
        for letter in sent:
            self.dovecot.deliver(self.user, self.raw(letter))

    def visit(self) -> str:
        from otklik.channels.mail.adapter import MailChannel
        from otklik.channels.mail.models import MailboxState

        MailboxState.objects.all().delete()
        list(MailChannel().fetch())
        return MailboxState.objects.get().error

    def pause_is_over(self) -> None:
        """Nothing waits: a mailbox is visited at the next beat."""

    @contextmanager
    def trouble(self, kind: str) -> Iterator[None]:
        from django.conf import settings

        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            if kind == "expired":
                url = settings.MAILBOXES[0].replace(servers.PASSWORD, contract.SECRET)
                patch.setattr(settings, "MAILBOXES", [url])
            elif kind == "cut":
                _cut_in_the_middle(patch)
            elif kind == "send_expired":
                patch.setattr(settings, "SMTP_URL", self.sink.url.replace("//", f"//department:{contract.SECRET}@"))
            elif kind == "send_429":
                patch.setattr(self.sink, "refuse", "451 4.7.1 слишком часто")
            elif kind == "send_cut":
                patch.setattr(self.sink, "drop", True)
            else:
                port = stack.enter_context(_failing(SAYS[kind]))
                patch.setattr("otklik.channels.mail.imap.SECONDS", 0.3)
                patch.setattr("otklik.channels.mail.smtp.SECONDS", 0.3)
                patch.setattr(settings, "SMTP_URL", f"smtp://127.0.0.1:{port}")
                patch.setattr(settings, "MAILBOXES", [servers.Mailboxes(port).url(self.user)])
            yield

    def send(self) -> str:
        from otklik.channels.mail.adapter import MailChannel
        from otklik.correspondence.channel import ToSend

        return MailChannel().send(
            ToSend(
                kind="answer", message_id="<1@department.example>", token="abc", sender="info@department.example",
                sender_name="Департамент", recipient="anna@citizen.example", recipient_name="Анна Примерова",
                subject="Ответ", text=contract.TEXT, files=list[tuple[str, Path, str]](),
            )
        )  # fmt: skip

    def held(self) -> list[tuple[str, str]]:
        return [(str(letter["Subject"]), str(letter["Message-ID"])) for letter in self.sink.letters]


def _cut_in_the_middle(patch: pytest.MonkeyPatch) -> None:
    """Cut the connection at the second letter, each time: the first one has come."""
    from otklik.channels.mail import imap

    download = imap._download

    def breaks(box, uid, path):  # type: ignore[no-untyped-def]
        if uid != "1":
            box.client.shutdown()
        return download(box, uid, path)

    patch.setattr(imap, "_download", breaks)


@contextmanager
def _failing(says: bytes) -> Iterator[int]:
    """Listen on a port, say something or nothing, never more."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as held:

        def serve() -> None:
            while True:
                try:
                    met, _ = listening.accept()
                except OSError:
                    return
                if says:
                    met.sendall(says)
                    met.close()
                else:
                    held.enter_context(met)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)


CASE = Mail()
