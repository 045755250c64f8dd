"""Detached CMS/PKCS#7 signatures: what they are made of, and whether one signs exactly these bytes."""

from __future__ import annotations

import binascii
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import gostcrypto
from asn1crypto import cms, pem, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509 import load_der_x509_certificate

MAX_BYTES: Final = 1024 * 1024  # a detached signature is some kilobytes; more is another file
STREEBOG_256: Final = "1.2.643.7.1.1.2.2"
STREEBOG_512: Final = "1.2.643.7.1.1.2.3"
SHA256: Final = "2.16.840.1.101.3.4.2.1"
SHA384: Final = "2.16.840.1.101.3.4.2.2"
SHA512: Final = "2.16.840.1.101.3.4.2.3"
_PIECE: Final = 1024 * 1024
# Streebog is counted here in pure Python, some 200 KB a second.
_MOST_STREEBOG: Final = 2 * 1024 * 1024
_SECONDS: Final = 120


def _streebog(name: str) -> Callable[[bytes], bytes]:
    return lambda content: bytes(gostcrypto.gosthash.new(name, data=bytearray(content)).digest())


# ГОСТ Р 34.11-2012 (RFC 7091 arcs) and the SHA-2 family: the digests met in signatures of Russian offices.
DIGESTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    STREEBOG_256: _streebog("streebog256"),
    STREEBOG_512: _streebog("streebog512"),
    SHA256: lambda content: hashlib.sha256(content).digest(),
    SHA512: lambda content: hashlib.sha512(content).digest(),
}
_SHA_2: Final[dict[str, hashes.HashAlgorithm]] = {
    SHA256: hashes.SHA256(),
    SHA384: hashes.SHA384(),
    SHA512: hashes.SHA512(),
}


@dataclass(frozen=True)
class Verdict:
    """What a check of one signature said: `why` in Russian, who signed by the certificate inside."""

    state: Literal["good", "bad", "unchecked"]
    why: str
    signer: dict[str, str] = field(default_factory=dict)


def load(raw: bytes) -> Any:
    """Return the signed data of a signature saved as DER, PEM or bare base64; raise ValueError for anything else."""
    try:
        info = cms.ContentInfo.load(_der(raw), strict=True)
        if info["content_type"].native != "signed_data":
            raise ValueError("no signed data")
        signed = info["content"]
        _ = signed["signer_infos"], signed["encap_content_info"]["content"]
    except (TypeError, KeyError, binascii.Error) as exc:
        raise ValueError("no signature") from exc
    return signed


def message_digest(info: Any) -> bytes | None:
    """Return the digest of the content that a signer wrote down, None where there is none or several."""
    for attribute in info["signed_attrs"] or ():
        if attribute["type"].native == "message_digest":
            values = list(attribute["values"])
            return bytes(values[0].native) if len(values) == 1 else None
    return None


def certificate_of(signed: Any, info: Any) -> x509.Certificate | None:
    """Return the signer's certificate where the file carries it."""
    for choice in signed["certificates"] or ():
        if isinstance(choice.chosen, x509.Certificate) and _is_of(choice.chosen, info["sid"]):
            return choice.chosen
    return None


def signer_of(signed: Any, info: Any) -> dict[str, str]:
    """Return names and validity from the signer's certificate, empty where the file carries none."""
    certificate = certificate_of(signed, info)
    if certificate is None:
        return {}
    validity = certificate["tbs_certificate"]["validity"]
    return {
        "subject": certificate.subject.human_friendly,
        "issuer": certificate.issuer.human_friendly,
        "serial": format(certificate.serial_number, "x"),
        "valid_from": validity["not_before"].native.isoformat(),
        "valid_to": validity["not_after"].native.isoformat(),
    }


def holder(signer: Mapping[str, str]) -> tuple[str, str]:
    """Return the name and the post of who signed, as `signer_of` told of him; empty where the certificate does not."""
    subject = signer.get("subject", "")
    found = (re.search(rf"{name}: ([^,;]+)", subject) for name in ("Common Name", "Title"))
    name, post = (one[1].strip() if one else "" for one in found)
    return name, post


def verify(raw: bytes, content: Path) -> Verdict:
    """Say whether a detached signature signs exactly the bytes of a file, read piece by piece.

    «good» only after the mathematics: SHA-2 with RSA or ECDSA here, ГОСТ by OpenSSL where its module is installed.
    Whom the certificate is trusted by is not asked.
    """
    try:
        if len(raw) > MAX_BYTES:
            raise ValueError("too large")
        signed = load(raw)
        infos = list(signed["signer_infos"])
        signers = [signer_of(signed, one) for one in infos]
    except (ValueError, TypeError, KeyError):
        return Verdict("bad", "это не файл электронной подписи (CMS)")
    if not infos:
        return Verdict("bad", "в файле нет ни одной подписи")
    verdicts = [_verify(raw, signed, info, who, content) for info, who in zip(infos, signers, strict=True)]
    order = {"bad": 0, "unchecked": 1, "good": 2}
    return min(verdicts, key=lambda one: order[one.state])


def _verify(raw: bytes, signed: Any, info: Any, who: dict[str, str], content: Path) -> Verdict:
    try:
        algorithm = info["digest_algorithm"]["algorithm"].dotted
        if algorithm in (STREEBOG_256, STREEBOG_512):
            return _verify_gost(raw, info, algorithm, who, content)
        if algorithm not in _SHA_2:
            return Verdict("unchecked", "хеш посчитан способом, который программа не знает", who)
        return _verify_sha(signed, info, _SHA_2[algorithm], who, content)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return Verdict("unchecked", "подпись устроена непонятным образом", who)


def _verify_sha(signed: Any, info: Any, algorithm: hashes.HashAlgorithm, who: dict[str, str], content: Path) -> Verdict:
    digest = _digest(content, hashlib.new(algorithm.name))
    attributes = info["signed_attrs"]
    if len(attributes):
        if message_digest(info) != digest:
            return Verdict("bad", "подписан другой файл", who)
        outer = hashes.Hash(algorithm)
        outer.update(attributes.untag().dump())
        digest = outer.finalize()
    certificate = certificate_of(signed, info)
    if certificate is None:
        return Verdict("unchecked", "в файле подписи нет сертификата", who)
    key = load_der_x509_certificate(certificate.dump()).public_key()
    signature, hashed = bytes(info["signature"].native), utils.Prehashed(algorithm)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(hashed))
        elif not isinstance(key, rsa.RSAPublicKey):
            return Verdict("unchecked", "ключ вида, который программа не знает", who)
        elif info["signature_algorithm"].signature_algo == "rsassa_pss":
            pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
            key.verify(signature, digest, pss, hashed)
        else:
            key.verify(signature, digest, padding.PKCS1v15(), hashed)
    except InvalidSignature:
        return Verdict("bad", "подпись не сходится с сертификатом", who)
    return Verdict("good", "подпись верна; кому доверяет сертификат, не проверялось", who)


def _verify_gost(raw: bytes, info: Any, algorithm: str, who: dict[str, str], content: Path) -> Verdict:
    small = content.stat().st_size <= _MOST_STREEBOG
    written = message_digest(info)
    if small and written is not None:
        name = "streebog256" if algorithm == STREEBOG_256 else "streebog512"
        if _digest(content, gostcrypto.gosthash.new(name)) != written:
            return Verdict("bad", "подписан другой файл", who)
    if (said := _by_openssl(raw, content)) is not None:
        return Verdict(said.state, said.why, who)
    seen = "хеш файла сходится" if small and written is not None else "файл велик для проверки хеша"
    return Verdict(
        "unchecked", f"подпись по ГОСТ: {seen}, сама подпись не проверена (нет модуля ГОСТ для OpenSSL)", who
    )


def _by_openssl(raw: bytes, content: Path) -> Verdict | None:
    """Ask OpenSSL with its ГОСТ module; None where there is none."""
    program = openssl_with_gost()
    if not program:
        return None
    with tempfile.TemporaryDirectory(prefix="otklik-sign-") as folder:
        file = Path(folder) / "signature.der"
        file.write_bytes(_der(raw))
        command = [program, "cms", "-verify", "-engine", "gost", "-inform", "DER", "-in", str(file)]
        command += ["-content", str(content), "-binary", "-noverify", "-out", "/dev/null"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 — no shell
        except (OSError, subprocess.TimeoutExpired):
            return Verdict("unchecked", "OpenSSL не ответил")
    if done.returncode == 0:
        return Verdict("good", "подпись по ГОСТ верна (OpenSSL); кому доверяет сертификат, не проверялось")
    if b"verification failure" in done.stderr.lower() or b"digest mismatch" in done.stderr.lower():
        return Verdict("bad", "подпись по ГОСТ не сходится (OpenSSL)")
    return Verdict("unchecked", "OpenSSL не смог проверить подпись по ГОСТ")


@cache
def openssl_with_gost() -> str:
    """Return the path of an OpenSSL that has the ГОСТ module, empty where this machine has none."""
    program = shutil.which("openssl") or ""
    if not program:
        return ""
    try:
        done = subprocess.run([program, "engine", "gost"], capture_output=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return program if done.returncode == 0 and b"gost" in done.stdout.lower() else ""


def _digest(content: Path, counter: Any) -> bytes:
    with content.open("rb") as file:
        while piece := file.read(_PIECE):
            counter.update(bytearray(piece))  # the ГОСТ library takes nothing else
    return bytes(counter.digest())


def _der(raw: bytes) -> bytes:
    """Return DER bytes of a signature saved as DER, PEM, or bare base64."""
    if raw[:1] == b"\x30":
        return raw
    text = raw.lstrip(b"\xef\xbb\xbf").strip()
    if pem.detect(text):
        return bytes(pem.unarmor(text)[2])
    return binascii.a2b_base64(re.sub(rb"\s+", b"", text), strict_mode=True)


def _is_of(certificate: Any, sid: Any) -> bool:
    if sid.name == "issuer_and_serial_number":
        return bool(
            sid.chosen["serial_number"].native == certificate.serial_number
            and sid.chosen["issuer"].dump() == certificate.issuer.dump()
        )
    return bool(sid.chosen.native == certificate.key_identifier)
