"""A provider is believed only when its answer is signed, ours, fresh and of this sign-in; ЕСИА asks for a signature."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from otklik.people import citizen_openid
from otklik.people.citizen_openid import Refused, Silent

KEY = rsa.generate_private_key(65537, 2048)
STRANGE = rsa.generate_private_key(65537, 2048)
BACK = "https://otklik.example/account/signed-in/"


class Stub(HTTPServer):
    """A provider that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.token: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self.issuer = self.url
        self.asked: list[tuple[str, dict[str, str], str]] = []

    def claims(self, **other: Any) -> dict[str, Any]:
        now = int(time.time())
        said = {"iss": self.url, "aud": "otklik", "sub": "7", "nonce": "n", "iat": now, "exp": now + 300} | other
        return {name: value for name, value in said.items() if value is not None}

    def says(self, *, key: Any = KEY, algorithm: str = "RS256", **other: Any) -> None:
        signed = jwt.encode(self.claims(**other), key, algorithm, headers={"kid": "1"})
        self.token = {"access_token": "a", "id_token": signed}


class Answering(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        stub, path = self.server, urlsplit(self.path).path
        stub.asked.append((self.path, {}, self.headers.get("Authorization", "")))
        if path.endswith("openid-configuration"):
            names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
            found = {name: f"{stub.url}/{end}" for name, end in names.items()}
            self.give({"issuer": stub.issuer, **found, "userinfo_endpoint": f"{stub.url}/me"})
        elif path == "/jwks":
            row = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            self.give({"keys": [{**row, "kid": "1", "use": "sig", "alg": "RS256"}]})
        else:
            self.give(stub.about)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {name: one[0] for name, one in parse_qs(body).items()}
        self.server.asked.append((self.path, said, self.headers.get("Authorization", "")))
        self.give(self.server.token)

    def give(self, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def stub(settings: Any) -> Iterator[Stub]:
    server = Stub()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    settings.CITIZEN_OIDC_URL, settings.CITIZEN_OIDC_CLIENT_ID = server.url, "otklik"
    settings.CITIZEN_OIDC_SECRET, settings.CITIZEN_OIDC_ISSUER = "secret", server.url
    server.about = {"sub": "7", "family_name": " Небывалова ", "given_name": "Анна", "address": {"formatted": "г. Н"}}
    yield server
    server.shutdown()
    server.server_close()


ATTEMPT = citizen_openid.Attempt("s", "n", "v" * 50)


def came() -> citizen_openid.Person:
    found = citizen_openid.provider()
    assert found is not None
    return found.person("code", ATTEMPT, BACK)


def test_a_right_answer_names_the_person(stub: Stub) -> None:
    stub.says()
    person = came()
    assert (person.issuer, person.subject) == (stub.url, "7")
    assert person.said.name == "Небывалова Анна"
    assert person.said.address == "г. Н"
    posted = next(one for one in stub.asked if one[0] == "/token")
    assert posted[1]["code_verifier"] == ATTEMPT.verifier
    assert posted[2] == "Basic " + base64.b64encode(b"otklik:secret").decode()
    assert "client_secret" not in posted[1]
    assert next(one for one in stub.asked if one[0] == "/me")[2] == "Bearer a"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"iss": "https://other.example"}, "не от того сервера"),
        ({"aud": "another"}, "другой системе"),
        ({"aud": ["otklik", "another"]}, "другой системе"),
        ({"exp": int(time.time()) - 3600}, "устарело"),
        ({"iat": int(time.time()) + 3600}, "часы"),
        ({"nbf": int(time.time()) + 3600}, "часы"),
        ({"nonce": "other"}, "к другому входу"),
        ({"nonce": None}, "к другому входу"),
        ({"sub": None}, "не удалось проверить"),
        ({"exp": None}, "не удалось проверить"),
        ({"sub": "8"}, "о другом человеке"),
        ({"key": STRANGE}, "подпись"),
        ({"key": "secret" * 10, "algorithm": "HS256"}, "не удалось проверить"),
        ({"key": None, "algorithm": "none"}, "не удалось проверить"),
    ],
)
def test_a_wrong_answer_is_refused_in_plain_words(stub: Stub, wrong: dict[str, Any], words: str) -> None:
    stub.says(**wrong)
    with pytest.raises(Refused) as refused:
        came()
    assert words in str(refused.value)
    assert "Войти не получилось" in str(refused.value)


@pytest.mark.parametrize("token", [{}, {"id_token": "noise"}, {"id_token": 7}, {"id_token": "a.b.c"}])
def test_noise_in_place_of_a_token_is_refused(stub: Stub, token: dict[str, Any]) -> None:
    stub.token = token
    with pytest.raises(Refused):
        came()


def test_a_provider_that_calls_itself_otherwise_is_refused(stub: Stub) -> None:
    stub.issuer = "https://other.example"
    with pytest.raises(Refused, match="называет себя иначе"):
        came()


# --- ЕСИА itself -----------------------------------------------------------------------------------------------------


@pytest.fixture
def esia(stub: Stub, settings: Any, tmp_path: Path) -> Stub:
    """Make a key that signs, and the command an administrator would write."""
    request = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=otklik"
    places = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*shlex.split(request), *places], check=True, capture_output=True)
    own = f"-signer {tmp_path}/cert.pem -inkey {tmp_path}/key.pem"
    settings.CITIZEN_OIDC_SIGN_COMMAND = f"openssl cms -sign -binary -outform DER {own}"
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "esia.pem").write_bytes(public)
    settings.CITIZEN_OIDC_KEY = str(tmp_path / "esia.pem")
    stub.about = {"lastName": "Небывалова", "firstName": "Анна", "middleName": "Ильинична", "trusted": True}
    stub.says(nonce=None, **{"urn:esia:sbj": {"urn:esia:sbj:oid": 1000299}})
    return stub


def is_signed(said: dict[str, str], tmp_path: Path) -> bool:
    """Let another program judge the signature over what the documentation says is signed."""
    (tmp_path / "text").write_bytes(
        f"{said['scope']}{said['timestamp']}{said['client_id']}{said['state']}".encode(),
    )
    (tmp_path / "made").write_bytes(base64.urlsafe_b64decode(said["client_secret"]))
    judged = subprocess.run(
        ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "made", "-content",
         tmp_path / "text", "-CAfile", tmp_path / "cert.pem", "-purpose", "any", "-out", tmp_path / "out"],
        capture_output=True, check=False,
    )  # fmt: skip
    return judged.returncode == 0


def test_esia_is_asked_with_a_detached_signature_each_time(esia: Stub, tmp_path: Path) -> None:
    found = citizen_openid.provider()
    assert found is not None
    address = urlsplit(found.address(ATTEMPT, BACK))
    said = {name: one[0] for name, one in parse_qs(address.query).items()}
    assert address.path == "/aas/oauth2/ac"
    assert (said["response_type"], said["redirect_uri"], said["state"]) == ("code", BACK, "s")
    assert said["timestamp"].endswith(" +0000")
    assert is_signed(said, tmp_path)
    person = came()
    assert person.subject == "1000299"
    assert person.said.name == "Небывалова Анна Ильинична"
    path, posted, auth = next(one for one in esia.asked if one[1])
    assert (path, auth, posted["grant_type"]) == ("/aas/oauth2/te", "", "authorization_code")
    assert is_signed(posted, tmp_path)
    assert not is_signed({**posted, "state": "other"}, tmp_path), "the judge does judge"
    assert ("/rs/prns/1000299", {}, "Bearer a") in esia.asked


def test_esia_vouches_only_for_confirmed_accounts(esia: Stub) -> None:
    esia.about["trusted"] = False
    with pytest.raises(Refused, match="не подтверждена"):
        came()


def test_an_answer_of_esia_is_checked_as_any(esia: Stub) -> None:
    esia.says(key=STRANGE)
    with pytest.raises(Refused, match="подпись"):
        came()
    esia.says(iss="http://esia.example/")
    with pytest.raises(Refused, match="не от того сервера"):
        came()


@pytest.mark.parametrize(
    "command",
    [
        "/no/such/command",
        "false",
        "cat",
        "echo",
        shlex.join([sys.executable, "-c", "import sys; sys.stdout.buffer.write(bytes(range(256)))"]),
    ],
)
def test_a_command_that_signs_nothing_is_told_and_sends_nobody_anywhere(
    esia: Stub, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(citizen_openid.settings, "CITIZEN_OIDC_SIGN_COMMAND", command)
        with pytest.raises(Silent):
            citizen_openid.Esia().address(ATTEMPT, BACK)
    assert "OTKLIK_CITIZEN_OIDC_SIGN_COMMAND" in caplog.text


def test_a_signature_with_the_text_inside_is_no_detached_one(esia: Stub, settings: Any) -> None:
    settings.CITIZEN_OIDC_SIGN_COMMAND += " -nodetach"
    with pytest.raises(Silent):
        citizen_openid.Esia().address(ATTEMPT, BACK)


def test_a_signature_in_pem_serves_too(esia: Stub, settings: Any, tmp_path: Path) -> None:
    settings.CITIZEN_OIDC_SIGN_COMMAND = settings.CITIZEN_OIDC_SIGN_COMMAND.replace("DER", "PEM")
    said = {
        name: one[0] for name, one in parse_qs(urlsplit(citizen_openid.Esia().address(ATTEMPT, BACK)).query).items()
    }
    assert is_signed(said, tmp_path)
