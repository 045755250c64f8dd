"""Real servers for tests: a Dovecot of its own, an SMTP server that keeps what it gets and can be told to fail."""

from __future__ import annotations

import imaplib
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from tests import components

DOVECOT = shutil.which("dovecot") or next((p for p in ("/usr/sbin/dovecot",) if Path(p).exists()), "")
PASSWORD = "letmein"

logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd tells every command of every session


def free_port() -> int:
    """Return a loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Mailboxes:
    """A running Dovecot: any user has a mailbox with the same password."""

    port: int

    def url(self, user: str, point: str = "email-info") -> str:
        """Return the address of a user's mailbox as `OTKLIK_MAILBOXES` wants it."""
        return f"imap://{user}:{PASSWORD}@127.0.0.1:{self.port}/INBOX?point={point}"

    def deliver(self, user: str, letter: bytes | EmailMessage, *, folder: str = "INBOX") -> None:
        """Put a letter into a folder of a user's mailbox, made where there is none."""
        raw = bytes(letter) if isinstance(letter, EmailMessage) else letter
        with imaplib.IMAP4("127.0.0.1", self.port) as box:
            box.login(user, PASSWORD)
            if folder != "INBOX":
                box.create(folder)
            status, answer = box.append(folder, "", "", raw)
            assert status == "OK", answer

    def flags(self, user: str) -> list[bytes]:
        """Return the flags of each letter."""
        with imaplib.IMAP4("127.0.0.1", self.port) as box:
            box.login(user, PASSWORD)
            box.select("INBOX", readonly=True)
            _, data = box.fetch("1:*", "(FLAGS)")
            return [one for one in data if isinstance(one, bytes)]


@contextmanager
def dovecot(*, introspect: str = "") -> Iterator[Mailboxes]:
    """Run Dovecot on a free port, its mail in a folder of its own; `introspect`: who vouches for access tokens."""
    port = free_port()
    base = Path(tempfile.mkdtemp(prefix="otklik-dovecot-"))
    root = os.geteuid() == 0
    user = "mail" if root else _me()
    internal = "dovecot" if root else user
    (base / "mail").mkdir()
    if root:
        shutil.chown(base / "mail", "mail", "mail")
        base.chmod(0o755)
    (base / "oauth2").write_text(
        f"introspection_mode = post\nintrospection_url = {introspect}\nusername_attribute = username\n"
        "active_attribute = active\nactive_value = true\n"
    )
    by_token = f"""
auth_mechanisms = plain xoauth2
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {base}/oauth2
}}
"""
    config = base / "dovecot.conf"
    config.write_text(
        f"""
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
ssl = no
auth_failure_delay = 0
disable_plaintext_auth = no
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_login_user = {internal if not root else "dovenull"}
first_valid_uid = 1
mail_location = maildir:{base}/mail/%n
mail_uid = {user}
mail_gid = {"mail" if root else _my_group()}
{by_token if introspect else ""}
passdb {{
  driver = static
  {"mechanisms = plain login" if introspect else ""}
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={user} gid={"mail" if root else _my_group()} home={base}/mail/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
  {"" if root else "chroot ="}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
  {"" if root else "chroot ="}
}}
"""
    )
    server = subprocess.Popen([DOVECOT, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, server, base / "log")
        yield Mailboxes(port)
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(base, ignore_errors=True)


@dataclass
class Sink:
    """An SMTP server that keeps letters. `refuse` is answered to DATA; `drop` closes the connection after DATA."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    refuse: str = ""
    drop: bool = False

    @property
    def url(self) -> str:
        """Return the address as `OTKLIK_SMTP_URL` wants it."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """Keep the letter, or fail as told."""
        if self.refuse:
            return self.refuse
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        if self.drop:
            server.transport.close()
        return "250 OK"

    def wait(self, count: int, seconds: float = 20) -> list[EmailMessage]:
        """Return the letters once there are `count` of them."""
        until = time.monotonic() + seconds
        while len(self.letters) < count and time.monotonic() < until:
            time.sleep(0.05)
        assert len(self.letters) >= count, f"{len(self.letters)} letters instead of {count}"
        return self.letters


@contextmanager
def smtp_sink(*, most: int = 200_000_000) -> Iterator[Sink]:
    """Run an SMTP server on a free port; `most`: the largest letter it takes."""
    sink = Sink(port=free_port())
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, data_size_limit=most)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@dataclass
class Bucket:
    """A server that speaks S3, with one empty bucket."""

    endpoint: str
    name: str = "files"

    @property
    def url(self) -> str:
        """Return the address as `OTKLIK_S3_URL` wants it."""
        return f"s3://{self.name}/department?endpoint={self.endpoint}&region=us-east-1"


@contextmanager
def s3() -> Iterator[Bucket]:
    """Run a server that speaks S3 on a free port."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    try:
        bucket = Bucket(f"http://127.0.0.1:{server._port}")
        urlopen(Request(f"{bucket.endpoint}/{bucket.name}", method="PUT"), timeout=30).close()
        yield bucket
    finally:
        server.stop()


# What our own database of signatures knows as a virus.
VIRUS = b"OTKLIK-TEST-SIGNATURE-7f3a"


@contextmanager
def clamd() -> Iterator[str]:
    """Run the real antivirus daemon with one signature of our own; yield its address as `OTKLIK_CLAMD` wants it."""
    base = Path(tempfile.mkdtemp(prefix="otklik-clamd-"))
    (base / "db").mkdir()
    (base / "db" / "own.ndb").write_text(f"Otklik.Test:0:*:{VIRUS.hex()}\n")
    config = base / "clamd.conf"
    config.write_text(
        f"Foreground yes\nLocalSocket {base}/socket\nDatabaseDirectory {base}/db\nLogFile {base}/log\n"
        "SelfCheck 0\nStreamMaxLength 2M\nMaxThreads 2\n"
    )
    server = subprocess.Popen(
        [components.clamd() or "clamd", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            if (base / "socket").exists() or server.poll() is not None:
                break
            threading.Event().wait(0.05)
        if not (base / "socket").exists():
            raise RuntimeError(f"clamd did not start: {(base / 'log').read_text() if (base / 'log').exists() else ''}")
        yield f"unix:{base}/socket"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(base, ignore_errors=True)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        if server.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            threading.Event().wait(0.1)
    raise RuntimeError(f"Dovecot did not start: {log.read_text() if log.exists() else 'no log'}")


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _my_group() -> str:
    import grp

    return grp.getgrgid(os.getegid()).gr_name
