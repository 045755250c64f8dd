"""Who an applicant is, as a provider of identity says: OpenID Connect with state, nonce and PKCE, or ЕСИА itself.

Tokens are read by PyJWT. ЕСИА differs in three ways: its `client_secret` is a detached PKCS#7 signature that a command
of the administrator makes for every request (the key never lies with us), it has no discovery, and a person's name is
asked from its REST service.
"""

from __future__ import annotations

import base64
import hmac
import logging
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import jwt
import requests
from asn1crypto import cms, pem
from cryptography.x509 import load_pem_x509_certificate
from django.conf import settings

from otklik.core.errors import DomainError
from otklik.people.citizens import Said

log = logging.getLogger(__name__)

SECONDS: Final = 10
LEEWAY: Final = 60  # seconds clocks may differ
# Signed by a key only the provider has: a token «signed» by our own secret, or by nothing, is none.
ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_AGAIN: Final = "Начните вход заново."
_TELL: Final = "Если это повторится, сообщите департаменту; отправить сообщение можно и без входа."


class Refused(DomainError):
    """The provider's answer proves nothing."""

    code = "citizen.refused"
    text = "Войти не получилось: {why}. {do}"
    status = 403


class Silent(DomainError):
    """The provider cannot be reached, or answers what nobody can read."""

    code = "citizen.silent"
    text = "Сервер входа сейчас не отвечает. Подождите минуту и повторите; отправить сообщение можно и без входа."
    status = 503


@dataclass(frozen=True)
class Attempt:
    """What one sign-in is recognised by when the person comes back; kept in the person's own browser."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Person:
    """Somebody whose identity the provider has confirmed."""

    issuer: str
    subject: str
    said: Said


class Provider(Protocol):
    """A way to learn who somebody is."""

    def address(self, attempt: Attempt, back: str) -> str:
        """Return where to send the person; `back` is where the provider sends him afterwards."""
        ...

    def person(self, code: str, attempt: Attempt, back: str) -> Person:
        """Return who came back with this code. Raise Refused or Silent."""
        ...


def provider() -> Provider | None:
    """Return the provider of this installation; none where applicants do not sign in."""
    if not settings.CITIZEN_OIDC_URL:
        return None
    return Esia() if settings.CITIZEN_OIDC_SIGN_COMMAND else OpenId()


def new_attempt() -> Attempt:
    """Return what only this sign-in will know."""
    return Attempt(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))


def check_answer(asked: Mapping[str, str], attempt: Attempt | None) -> str:
    """Return the code of an answer that belongs to this attempt. Raise Refused where it does not."""
    state = asked.get("state", "")
    if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
        raise Refused(why="этот ответ не на ваш вход или вход начат больше десяти минут назад", do=_AGAIN)
    if asked.get("error") or not asked.get("code"):
        raise Refused(why="вход отменён", do="Нажмите «Войти» ещё раз или отправьте сообщение без входа.")
    return asked["code"]


class OpenId:
    """Any provider with discovery."""

    def address(self, attempt: Attempt, back: str) -> str:
        """Return the provider's page, with state, nonce and the challenge of PKCE."""
        told = {
            "response_type": "code",
            "client_id": settings.CITIZEN_OIDC_CLIENT_ID,
            "redirect_uri": back,
            "scope": settings.CITIZEN_OIDC_SCOPE or "openid profile email phone address",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _plain64(sha256(attempt.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return _with(_found()["authorization_endpoint"], told)

    def person(self, code: str, attempt: Attempt, back: str) -> Person:
        """Trade the code for a token, check it, ask for name and contacts."""
        found = _found()
        token = _posted(
            found["token_endpoint"],
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": back,
                "client_id": settings.CITIZEN_OIDC_CLIENT_ID,
                "code_verifier": attempt.verifier,
            },
            found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"],
        )
        raw = str(token.get("id_token") or "")
        claims = read_token(raw, key=_key_of(raw, found["jwks_uri"]), issuer=found["issuer"])
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):
            raise Refused(why="ответ сервера входа относится к другому входу", do=_AGAIN)
        if address := found.get("userinfo_endpoint"):
            told = _asked(address, bearer=str(token.get("access_token", "")))
            if told.get("sub") != claims["sub"]:
                raise Refused(why="сервер входа ответил о другом человеке", do=_TELL)
            claims |= told
        _check_confirmed(claims, settings.CITIZEN_OIDC_CONFIRMED)
        return Person(str(found["issuer"]), str(claims["sub"]), _said(claims))


class Esia:
    """ЕСИА itself: no discovery, a signature in place of a secret."""

    def address(self, attempt: Attempt, back: str) -> str:
        """Return the page of ЕСИА; the signature holds for this minute and this state."""
        told = self._signed(attempt.state) | {"redirect_uri": back, "response_type": "code", "access_type": "online"}
        return _with(f"{settings.CITIZEN_OIDC_URL}/aas/oauth2/ac", told)

    def person(self, code: str, attempt: Attempt, back: str) -> Person:
        """Trade the code for a token, check it, ask the REST service for the name."""
        told = self._signed(attempt.state) | {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "token_type": "Bearer",
        }
        token = _posted(f"{settings.CITIZEN_OIDC_URL}/aas/oauth2/te", told, ["none"])
        claims = read_token(str(token.get("id_token") or ""), key=_kept_key(), issuer=settings.CITIZEN_OIDC_ISSUER)
        number = str((claims.get("urn:esia:sbj") or {}).get("urn:esia:sbj:oid") or claims["sub"])
        if not number.isdecimal():
            raise Refused(why="в ответе ЕСИА нет номера учётной записи", do=_TELL)
        about = _asked(f"{settings.CITIZEN_OIDC_URL}/rs/prns/{number}", bearer=str(token.get("access_token", "")))
        _check_confirmed(about, "trusted")
        said = Said(*(_text(about.get(part), 150) for part in ("lastName", "firstName", "middleName")))
        return Person(settings.CITIZEN_OIDC_ISSUER, number, said)

    def _signed(self, state: str) -> dict[str, str]:
        scope = settings.CITIZEN_OIDC_SCOPE or "openid fullname"
        at, client = f"{datetime.now(UTC):%Y.%m.%d %H:%M:%S} +0000", settings.CITIZEN_OIDC_CLIENT_ID
        secret = base64.urlsafe_b64encode(signature_of(f"{scope}{at}{client}{state}".encode())).decode()
        return {"client_id": client, "client_secret": secret, "scope": scope, "timestamp": at, "state": state}


def signature_of(content: bytes) -> bytes:
    """Return the detached PKCS#7 signature that the administrator's command makes of what it is given on its input."""
    try:
        done = subprocess.run(  # noqa: S603 — the administrator's own command, without a shell
            shlex.split(settings.CITIZEN_OIDC_SIGN_COMMAND),
            input=content,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        log.error("OTKLIK_CITIZEN_OIDC_SIGN_COMMAND failed (%s)", type(exc).__name__)
        raise Silent from None
    if (made := _detached(done.stdout)) is None:
        log.error("OTKLIK_CITIZEN_OIDC_SIGN_COMMAND printed no detached PKCS#7 signature")
        raise Silent
    return made


def _detached(printed: bytes) -> bytes | None:
    """Return the DER of a detached PKCS#7 signature, PEM or not; nothing where it is something else."""
    try:
        made = pem.unarmor(printed)[2] if pem.detect(printed) else printed
        row = cms.ContentInfo.load(made, strict=True)
        is_one = row["content_type"].native == "signed_data"
        return made if is_one and row["content"]["encap_content_info"]["content"].native is None else None
    except (ValueError, TypeError, KeyError):
        return None


def read_token(raw: str, *, key: Any, issuer: str) -> dict[str, Any]:
    """Return what an ID token says once its signature, issuer, audience and time are right. Raise Refused."""
    client = settings.CITIZEN_OIDC_CLIENT_ID
    try:
        claims: dict[str, Any] = jwt.decode(
            raw,
            key,
            algorithms=ALGORITHMS,
            audience=client,
            issuer=issuer,
            leeway=LEEWAY,
            options={"require": ["iss", "aud", "exp", "iat", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise Refused(why="подтверждение личности устарело", do=_AGAIN) from None
    except jwt.InvalidIssuerError:
        raise Refused(why="ответ пришёл не от того сервера входа", do=_TELL) from None
    except jwt.InvalidAudienceError:
        raise Refused(why="сервер входа ответил другой системе", do=_TELL) from None
    except jwt.ImmatureSignatureError:
        raise Refused(why="часы сервера входа и департамента расходятся", do=_TELL) from None
    except jwt.InvalidSignatureError:
        raise Refused(why="подпись сервера входа неверна", do=_TELL) from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Refused(why="ответ сервера входа не удалось проверить", do=_TELL) from None
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client:
        raise Refused(why="сервер входа ответил другой системе", do=_TELL)
    return claims


def _check_confirmed(claims: Mapping[str, Any], claim: str) -> None:
    if claim and claims.get(claim) not in (True, "true", "True", 1):
        raise Refused(
            why="учётная запись не подтверждена",
            do="Подтвердите её (например, в МФЦ) и войдите снова или отправьте сообщение без входа.",
        )


def _found() -> dict[str, Any]:
    """Return what the provider says of itself; a provider that calls itself otherwise is another one."""
    found = _asked(f"{settings.CITIZEN_OIDC_URL}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != settings.CITIZEN_OIDC_URL:
        raise Refused(why="сервер входа называет себя иначе, чем записано у департамента", do=_TELL)
    if not all(found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")):
        raise Silent
    return found


def _key_of(raw: str, address: str) -> Any:
    """Return the provider's key that this token names."""
    try:
        named = jwt.get_unverified_header(raw).get("kid")
        keys = jwt.PyJWKSet.from_dict(_asked(address)).keys
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Refused(why="ответ сервера входа не удалось проверить", do=_TELL) from None
    fitting = [one for one in keys if one.key_id == named] if named else keys[:1]
    if not fitting:
        raise Refused(why="ответ подписан неизвестным ключом", do=_TELL)
    return fitting[0]


def _kept_key() -> Any:
    """Return the key that checks what ЕСИА signs: a public key, or its certificate, in PEM."""
    try:
        kept = Path(settings.CITIZEN_OIDC_KEY).read_bytes()
        return load_pem_x509_certificate(kept).public_key() if b"BEGIN CERTIFICATE" in kept else kept
    except (OSError, ValueError):
        log.error("OTKLIK_CITIZEN_OIDC_KEY names no readable key")
        raise Silent from None


def _asked(address: str, *, bearer: str = "") -> dict[str, Any]:
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        return _object(requests.get(address, headers=headers, timeout=SECONDS, allow_redirects=False))
    except requests.RequestException as exc:
        log.warning("the provider of identity is silent (%s)", type(exc).__name__)
        raise Silent from None


def _posted(address: str, told: dict[str, str], ways: list[str]) -> dict[str, Any]:
    """Ask for a token; the secret goes the way the provider knows, where there is one."""
    auth, secret = None, settings.CITIZEN_OIDC_SECRET
    if secret and "client_secret_basic" in ways:
        auth = (settings.CITIZEN_OIDC_CLIENT_ID, secret)
    elif secret and "none" not in ways:
        told = {**told, "client_secret": secret}
    try:
        answer = requests.post(address, data=told, auth=auth, timeout=SECONDS, allow_redirects=False)
    except requests.RequestException as exc:
        log.warning("the provider of identity is silent (%s)", type(exc).__name__)
        raise Silent from None
    if answer.status_code in (400, 401, 403):
        log.warning("the provider of identity gave no token: %s", answer.status_code)
        raise Refused(why="сервер входа не подтвердил вход", do=_AGAIN)
    return _object(answer)


def _object(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json() if answer.status_code == 200 else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        log.warning("the provider of identity answered %s", answer.status_code)
        raise Silent
    return said


def _said(claims: Mapping[str, Any]) -> Said:
    address = claims.get("address")
    return Said(
        last_name=_text(claims.get("family_name"), 150),
        first_name=_text(claims.get("given_name"), 150),
        patronymic=_text(claims.get("middle_name"), 150),
        email=_text(claims.get("email"), 254),
        phone=_text(claims.get("phone_number"), 40),
        address=_text(address.get("formatted") if isinstance(address, dict) else address, 500),
    )


def _text(value: Any, most: int) -> str:
    return " ".join(value.replace("\x00", "").split())[:most] if isinstance(value, str) else ""


def _plain64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _with(address: str, told: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(told)}"
