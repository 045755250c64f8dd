"""Reading a detached CMS/PKCS#7 signature: does it sign exactly these bytes, and whose certificate is it."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import gostcrypto
from asn1crypto import cms, pem, x509

from otklik.core.errors import DomainError

MAX_BYTES: Final = 1024 * 1024  # a detached signature is some kilobytes; more is another file


def _streebog(name: str) -> Callable[[bytes], bytes]:
    return lambda content: bytes(gostcrypto.gosthash.new(name, data=bytearray(content)).digest())


# ГОСТ Р 34.11-2012 (RFC 7091 arcs) and the SHA-2 family: the digests met in signatures of Russian offices.
DIGESTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "1.2.643.7.1.1.2.2": _streebog("streebog256"),
    "1.2.643.7.1.1.2.3": _streebog("streebog512"),
    "2.16.840.1.101.3.4.2.1": lambda content: hashlib.sha256(content).digest(),
    "2.16.840.1.101.3.4.2.3": lambda content: hashlib.sha512(content).digest(),
}


class BadSignatureFile(DomainError):
    """The file is no detached signature of this letter."""

    code = "appeal.bad_signature_file"
    text = "Файл подписи не принят: {why}"


def check(raw: bytes, content: bytes) -> dict[str, str]:
    """Return who signed, by the certificate inside; raise BadSignatureFile unless it signs exactly `content`.

    The signature value itself and the chain of trust are not verified here: see `signature.sign_ukep`.
    """
    signed = _signed_data(raw)
    if signed["encap_content_info"]["content"].native is not None:
        raise BadSignatureFile(why="подпись присоединённая. Нужна открепленная: подпишите PDF ещё раз.")
    infos = list(signed["signer_infos"])
    if len(infos) != 1:
        raise BadSignatureFile(why=f"в нём подписей: {len(infos)}, а нужна одна.")
    info = infos[0]
    algorithm = info["digest_algorithm"]["algorithm"].dotted
    if algorithm not in DIGESTS:
        raise BadSignatureFile(why="хеш посчитан неизвестным способом. Нужен ГОСТ Р 34.11-2012 или SHA-2.")
    if _message_digest(info) != DIGESTS[algorithm](content):
        raise BadSignatureFile(why="подписан другой файл. Скачайте письмо со страницы ещё раз и подпишите его.")
    return _certificate(signed, info) | {"digest_algorithm": algorithm}


def check_holder(certificate: dict[str, str], last_name: str) -> None:
    """Raise BadSignatureFile unless the certificate in the file names a person of this last name."""
    subject = certificate.get("subject", "")
    if not subject:
        raise BadSignatureFile(why="в нём нет сертификата, и не видно, чья это подпись. Подпишите с сертификатом.")
    if last_name.lower().replace("ё", "е") not in subject.lower().replace("ё", "е"):
        raise BadSignatureFile(
            why="подписал другой человек. Ответ с личного приёма подписывает только тот, кто его вёл (п. 35.3)."
        )


def _signed_data(raw: bytes) -> Any:
    if not raw:
        raise BadSignatureFile(why="он пустой. Выберите файл .sig.")
    if len(raw) > MAX_BYTES:
        raise BadSignatureFile(why="он слишком большой для подписи. Выберите файл .sig, а не сам документ.")
    try:
        info = cms.ContentInfo.load(_der(raw), strict=True)
        if info["content_type"].native != "signed_data":
            raise ValueError("no signed data")
        signed = info["content"]
        _ = signed["signer_infos"], signed["encap_content_info"]["content"]
    except (ValueError, TypeError, KeyError, binascii.Error) as exc:
        raise BadSignatureFile(why="это не файл электронной подписи (CMS). Выберите файл .sig или .p7s.") from exc
    return signed


def _der(raw: bytes) -> bytes:
    """Return DER bytes of a signature saved as DER, PEM, or bare base64."""
    if raw[:1] == b"\x30":
        return raw
    text = raw.lstrip(b"\xef\xbb\xbf").strip()
    if pem.detect(text):
        return bytes(pem.unarmor(text)[2])
    return binascii.a2b_base64(re.sub(rb"\s+", b"", text), strict_mode=True)


def _message_digest(info: Any) -> bytes | None:
    for attribute in info["signed_attrs"] or ():
        if attribute["type"].native == "message_digest":
            values = list(attribute["values"])
            return bytes(values[0].native) if len(values) == 1 else None
    return None


def _certificate(signed: Any, info: Any) -> dict[str, str]:
    """Return names and validity from the signer's certificate, empty where the file carries none."""
    sid = info["sid"]
    for choice in signed["certificates"] or ():
        certificate = choice.chosen
        if isinstance(certificate, x509.Certificate) and _is_of(certificate, sid):
            validity = certificate["tbs_certificate"]["validity"]
            return {
                "subject": certificate.subject.human_friendly,
                "issuer": certificate.issuer.human_friendly,
                "serial": format(certificate.serial_number, "x"),
                "valid_from": validity["not_before"].native.isoformat(),
                "valid_to": validity["not_after"].native.isoformat(),
            }
    return {}


def _is_of(certificate: Any, sid: Any) -> bool:
    if sid.name == "issuer_and_serial_number":
        return bool(
            sid.chosen["serial_number"].native == certificate.serial_number
            and sid.chosen["issuer"].dump() == certificate.issuer.dump()
        )
    return bool(sid.chosen.native == certificate.key_identifier)
