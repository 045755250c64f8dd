"""The example of nginx and the units of systemd are read by the programs they are for, and do what they promise."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from otklik.demo.served import free_port
from tests import components

ROOT = Path(__file__).parents[2] / "deploy"
Answer = tuple[int, http.client.HTTPMessage, str]

pytestmark = pytest.mark.once


class _Echo(BaseHTTPRequestHandler):
    """Stands for the product: tells what it was asked, with which headers."""

    def do_GET(self) -> None:
        said = json.dumps({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said.encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Front:
    """The shipped example at work: nginx on two ports of its own before a server that stands for the product."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plain, self.secure = folder, free_port(), free_port()
        self.house = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
        threading.Thread(target=self.house.serve_forever, daemon=True).start()
        (folder / "maintenance").mkdir()
        shutil.copy(ROOT / "maintenance.html", folder / "maintenance" / "page.html")
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=otklik"]
        made += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "fullchain.pem")]
        subprocess.run(made, check=True, capture_output=True)
        example = (ROOT / "nginx" / "otklik.conf").read_text()
        for shipped, here in (
            ("127.0.0.1:8000", f"127.0.0.1:{self.house.server_port}"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen 443 ", f"listen 127.0.0.1:{self.secure} "),
            ("/etc/otklik/tls", str(folder)),
            ("/opt/otklik/maintenance", str(folder / "maintenance")),
        ):
            assert shipped in example, shipped
            example = example.replace(shipped, here)
        user = "user root;" if os.getuid() == 0 else ""
        places = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi"))
        places += "".join(f"{name}_temp_path {folder}/{name};" for name in ("uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;"
            f"events {{}} http {{ access_log off; {places} {example} }}"
        )
        program = components.nginx()
        assert program is not None
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self.ask("/")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError((folder / "error.log").read_text())

    def ask(self, path: str, *, method: str = "GET", secure: bool = True, **headers: str) -> Answer:
        context = ssl._create_unverified_context()
        line: http.client.HTTPConnection = (
            http.client.HTTPSConnection("127.0.0.1", self.secure, timeout=20, context=context)
            if secure
            else http.client.HTTPConnection("127.0.0.1", self.plain, timeout=20)
        )
        given = {"Host": "otklik.department.ru"} | {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(
            method, path, body=b"text=1" if method == "POST" and "Content-Length" not in given else None, headers=given
        )
        answer = line.getresponse()
        said = answer.status, answer.headers, answer.read().decode()
        line.close()
        return said

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.house.server_close()


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    components.NGINX.require()
    here = Front(tmp_path_factory.mktemp("nginx"))
    yield here
    here.stop()


def test_a_visitor_is_led_to_tls_and_what_he_says_of_himself_is_not_believed(front: Front) -> None:
    status, headers, _ = front.ask("/desk/?q=1", secure=False)
    assert (status, headers["Location"]) == (301, "https://otklik.department.ru/desk/?q=1")
    status, _, body = front.ask("/desk/", X_Forwarded_For="8.8.8.8", X_Forwarded_Proto="http", X_Request_ID="mine")
    told = json.loads(body)
    assert (status, told["path"], told["host"]) == (200, "/desk/", "otklik.department.ru")
    assert (told["x-forwarded-for"], told["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert told["x-request-id"] not in {"", "mine"}


def test_figures_of_the_server_are_not_shown_outside(front: Front) -> None:
    assert front.ask("/metrics")[0] == 403


def test_more_than_an_upload_may_be_is_refused_before_it_is_sent(front: Front) -> None:
    assert front.ask("/write/", method="POST", Content_Length=str(211 << 20))[0] == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_while_it_is_updated_everybody_reads_so_and_nobody_is_led_astray(front: Front, method: str) -> None:
    mark = front.folder / "maintenance" / "on"
    mark.touch()
    try:
        status, headers, body = front.ask("/write/", method=method)
    finally:
        mark.unlink()
    assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "120", "no-store")
    assert "Идёт обновление" in body
    assert front.ask("/write/", method=method)[0] == 200


def test_a_page_is_there_while_the_product_does_not_answer(tmp_path: Path) -> None:
    components.NGINX.require()
    here = Front(tmp_path)
    try:
        here.house.shutdown()
        here.house.server_close()
        status, headers, body = here.ask("/desk/")
        assert (status, headers["Retry-After"]) == (502, "120")
        assert "Идёт обновление" in body
        assert here.ask("/otklik-maintenance.html")[0] in {404, 502}, "it is nobody's address"
    finally:
        here.stop()


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    components.SYSTEMD.require()
    shutil.copytree(ROOT / "systemd", tmp_path / "units")
    for unit in (tmp_path / "units").glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/otklik/current/bin/otklik", shutil.which("true") or ""))
    units = sorted(str(one) for one in (tmp_path / "units").glob("otklik*.*") if "@" not in one.name and one.is_file())
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:/lib/systemd/system"}
    command = ["systemd-analyze", "verify", "--man=no", *units]
    checked = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    ours = [line for line in checked.stderr.splitlines() if "otklik" in line]
    assert ours == []
