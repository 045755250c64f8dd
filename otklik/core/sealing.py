"""Secrets of other systems, kept encrypted by the key of the installation; each purpose by a key of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class OtherKey(Exception):
    """What was sealed has been sealed by a key this installation no longer knows."""


def seal(values: Mapping[str, Any], *, purpose: str) -> str:
    """Return the values encrypted."""
    return _keys(purpose).encrypt(json.dumps(dict(values)).encode()).decode()


def unseal(sealed: str, *, purpose: str) -> dict[str, Any]:
    """Return the values that were sealed. Raise OtherKey where the key was changed without keeping the earlier one."""
    try:
        opened: dict[str, Any] = json.loads(_keys(purpose).decrypt(sealed.encode()))
    except InvalidToken:
        raise OtherKey from None
    return opened


def _keys(purpose: str) -> MultiFernet:
    """Return the keys of a purpose: the newest seals, the earlier ones still open."""

    def key(secret: str) -> Fernet:
        derived = HKDF(SHA256(), 32, salt=None, info=f"otklik.{purpose}".encode()).derive(secret.encode())
        return Fernet(base64.urlsafe_b64encode(derived))

    return MultiFernet([key(str(one)) for one in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])
