"""Reading a detached CMS/PKCS#7 signature: does it sign exactly these bytes, and whose certificate is it."""

from __future__ import annotations

from typing import Any, Final

from otklik.core import signatures
from otklik.core.errors import DomainError

MAX_BYTES: Final = signatures.MAX_BYTES
DIGESTS: Final = signatures.DIGESTS


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
    if signatures.message_digest(info) != DIGESTS[algorithm](content):
        raise BadSignatureFile(why="подписан другой файл. Скачайте письмо со страницы ещё раз и подпишите его.")
    return signatures.signer_of(signed, info) | {"digest_algorithm": algorithm}


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
        return signatures.load(raw)
    except ValueError as exc:
        raise BadSignatureFile(why="это не файл электронной подписи (CMS). Выберите файл .sig или .p7s.") from exc
