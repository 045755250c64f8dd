"""Where a call may go: an address is resolved once, looked at, and called by what it resolved to, nothing else.

Whoever writes down an address must not reach through us what only this server reaches: other machines of the network,
the server itself, the services of a cloud.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import urllib3
from django.conf import settings

from otklik.core.errors import DomainError

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
KEPT: Final = 500  # bytes of an answer
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadAddress(DomainError):
    """Nothing is sent to such an address."""

    code = "webhooks.bad_address"
    text = "Адрес не подходит: {why}"


class NoAnswer(Exception):
    """The other system did not answer; the text is for an administrator."""


@dataclass(frozen=True)
class Destination:
    """An address that has been looked at: whom to call, and by which number."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


@dataclass(frozen=True)
class Answer:
    """What the other system answered."""

    status: int
    text: str
    retry_after: float | None = None


def destination(url: str) -> Destination:
    """Resolve an address and say where it leads. Raise BadAddress, NoAnswer where the name is not known now."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadAddress(why="он записан с ошибкой.") from None
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise BadAddress(why="нужен полный адрес, начиная с https://")
    if parts.username is not None or parts.password is not None:
        raise BadAddress(why="имени и пароля в адресе быть не должно: вызов узнают по подписи.")
    if parts.fragment or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise BadAddress(why="уберите пробелы и часть после «#».")
    host = _ascii(parts.hostname)
    numbers = _resolved(host, port)
    inside = [_is_inside(one) for one in numbers]
    if not all(one or _is_public(number) for one, number in zip(inside, numbers, strict=True)):
        raise BadAddress(
            why="он ведёт во внутреннюю сеть. Если это нужно, разрешите сеть параметром OTKLIK_WEBHOOK_NETWORKS."
        )
    if parts.scheme == "http" and not all(inside):
        raise BadAddress(why="по открытой сети сообщения уходят только по https.")
    path = quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe="%/?=&:;,+!$'()*@~")
    return Destination(parts.scheme, host, port, path, str(numbers[0]))


def _ascii(host: str) -> str:
    """Return a name as programs write it: domains in .рф are written in Russian letters by people only."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise BadAddress(why="имя сервера записано с ошибкой.") from None


def _resolved(host: str, port: int) -> list[IP]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer("имя сервера не найдено") from None
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _plain(number: IP) -> IP:
    """Return the number that one address hides in another."""
    if isinstance(number, ipaddress.IPv6Address):
        if number in _NAT64:
            return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        return number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else number)
    return number


def _is_public(number: IP) -> bool:
    plain = _plain(number)
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def _is_inside(number: IP) -> bool:
    """Say whether the number lies in a network that the administrator of the server has allowed."""
    plain = _plain(number)
    networks = [ipaddress.ip_network(one, strict=False) for one in settings.WEBHOOK_NETWORKS]
    return any(plain.version == network.version and plain in network for network in networks)


def post(where: Destination, body: bytes, headers: dict[str, str]) -> Answer:
    """Hand a body over; return the answer, whatever it is. No redirect is followed. Raise NoAnswer."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    ordinary = where.port == (443 if where.scheme == "https" else 80)
    name = f"[{where.host}]" if ":" in where.host else where.host
    headers = {**headers, "Host": name if ordinary else f"{name}:{where.port}", "User-Agent": "Otklik-Webhooks/1"}
    pool: urllib3.HTTPConnectionPool
    if where.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            where.ip,
            where.port,
            timeout=timeout,
            server_hostname=where.host,
            assert_hostname=where.host,
            ssl_context=ssl.create_default_context(),
        )
    else:
        pool = urllib3.HTTPConnectionPool(where.ip, where.port, timeout=timeout)
    try:
        answer = pool.urlopen(
            "POST",
            where.path,
            body,
            headers,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        said = answer.read1(KEPT) if answer.status != 204 else b""
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as failure:
        raise NoAnswer(f"сервер {where.host} не ответил ({type(failure).__name__})") from None
    finally:
        pool.close()
    wait = answer.headers.get("Retry-After", "")
    return Answer(answer.status, said.decode("utf-8", "replace"), float(wait[:6]) if wait.isdecimal() else None)
