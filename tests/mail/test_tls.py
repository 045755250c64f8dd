"""To whom the mailboxes' password is told: only to a server whose certificate is good."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from otklik.channels.mail import imap, smtp
from tests.servers import Sink, free_port

pytestmark = [pytest.mark.once, pytest.mark.django_db]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate that nobody but itself vouches for, with its key in the same file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(kept + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


class ImapDoor(threading.Thread):
    """Just enough of IMAP to be greeted, over TLS or with STARTTLS; keeps every command it was told."""

    def __init__(self, context: ssl.SSLContext, *, at_once: bool) -> None:
        super().__init__(daemon=True)
        self.context, self.at_once, self.heard = context, at_once, list[bytes]()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        with self.socket:
            plain, _ = self.socket.accept()
            try:
                self._talk(plain)
            except (OSError, ValueError):
                plain.close()

    def _talk(self, plain: socket.socket) -> None:
        line = self.context.wrap_socket(plain, server_side=True) if self.at_once else plain
        line.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
        while said := line.recv(1000):
            self.heard.append(said)
            tag, command = said.split()[:2]
            if command == b"CAPABILITY":
                line.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n")
            line.sendall(tag + (b" NO later\r\n" if command == b"LOGIN" else b" OK done\r\n"))
            if command == b"STARTTLS":
                line = self.context.wrap_socket(line, server_side=True)


@pytest.fixture(params=["imaps", "imap+starttls"])
def mailbox(request: pytest.FixtureRequest, context: ssl.SSLContext) -> Iterator[tuple[str, list[bytes]]]:
    door = ImapDoor(context, at_once=request.param == "imaps")
    door.start()
    yield f"{request.param}://info:secret@127.0.0.1:{door.port}/INBOX", door.heard
    door.socket.close()


@pytest.fixture(params=["smtps", "smtp+starttls"])
def sending(request: pytest.FixtureRequest, context: ssl.SSLContext) -> Iterator[str]:
    port = free_port()
    tls = {"ssl_context": context} if request.param == "smtps" else {"tls_context": context}
    controller = Controller(Sink(), hostname="127.0.0.1", port=port, **tls)
    if request.param == "smtps":
        controller._trigger_server = lambda: _knock(port)  # its own knock would look at the certificate
    controller.start()
    yield f"{request.param}://127.0.0.1:{port}"
    controller.stop()


def _knock(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as plain:
        careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
        careless.wrap_socket(plain).recv(100)


def test_a_mailbox_behind_a_strange_certificate_never_hears_the_password(mailbox: tuple[str, list[bytes]]) -> None:
    url, heard = mailbox
    with pytest.raises(ssl.SSLCertVerificationError):
        imap.try_out(url)
    assert b"secret" not in b"".join(heard)


def test_a_mailbox_whose_certificate_the_machine_trusts_is_entered(
    mailbox: tuple[str, list[bytes]], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, heard = mailbox
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(imap.ImapToolsError):  # by the server, which let itself be told the password
        imap.try_out(url)
    assert b"secret" in b"".join(heard)


def test_letters_leave_only_by_a_server_whose_certificate_is_trusted(
    sending: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        smtp.try_out(sending)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    smtp.try_out(sending)
