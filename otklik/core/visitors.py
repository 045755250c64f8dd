"""From which address a request came, believed only as far as our own proxies say it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """Return the visitor's address; `X-Forwarded-For` counts only as far as trusted proxies wrote it."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    address = str(request.META.get("REMOTE_ADDR", ""))
    while _is_trusted(address) and hops:
        address = hops.pop()
    return address


def is_address(text: str) -> bool:
    """Tell whether this is an address at all: a proxy hands on what a visitor wrote."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(address: str) -> bool:
    if not is_address(address):
        return False
    return any(ip_address(address) in ip_network(network, strict=False) for network in settings.TRUSTED_PROXIES)
