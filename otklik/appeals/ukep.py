"""Reading a detached CMS/PKCS#7 signature: does it sign exactly these bytes, and whose certificate is it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from otklik.core import signatures
from otklik.core.errors import DomainError

MAX_BYTES: Final = signatures.MAX_BYTES
DIGESTS: Final = signatures.DIGESTS


class BadSignatureFile(DomainError):
    """The file is no detached signature of this letter."""

    code = "appeal.bad_signature_file"
    text = "Файл подписи не принят: {why}"


def digest_in(raw: bytes) -> tuple[str, bytes]:
    """Return the algorithm of a detached signature and the digest of what it signs; refuse what is no such file."""
    info, algorithm = _info(_signed_data(raw))
    digest = signatures.message_digest(info)
    if digest is None:
        raise BadSignatureFile(why="в нём не записан хеш подписанного файла. Подпишите письмо ещё раз.")
    return algorithm, digest


def check_time(certificate: dict[str, str], since: date, until: date) -> None:
    """Raise BadSignatureFile where the certificate was not valid on any day on which this could be signed."""
    days = [certificate.get(name, "")[:10] for name in ("valid_from", "valid_to")]
    if not all(days):
        return
    begins, ends = (date.fromisoformat(one) for one in days)
    if begins > until or ends < since:
        raise BadSignatureFile(
            why=f"сертификат действует с {begins:%d.%m.%Y} по {ends:%d.%m.%Y}, а письмо передано на подпись "
            f"{since:%d.%m.%Y}. Подпишите действующим сертификатом."
        )


def check(raw: bytes, content: bytes) -> dict[str, str]:
    """Return who signed, by the certificate inside; raise BadSignatureFile unless it signs exactly `content`.

    The signature value itself and the chain of trust are not verified here: see `signature.sign_ukep`.
    """
    signed = _signed_data(raw)
    info, algorithm = _info(signed)
    if signatures.message_digest(info) != DIGESTS[algorithm](content):
        raise BadSignatureFile(why="подписан другой файл. Скачайте письмо со страницы ещё раз и подпишите его.")
    return signatures.signer_of(signed, info) | {"digest_algorithm": algorithm}


def _info(signed: Any) -> tuple[Any, str]:
    """Return the one signer's part and the algorithm of its digest."""
    if signed["encap_content_info"]["content"].native is not None:
        raise BadSignatureFile(why="подпись присоединённая. Нужна открепленная: подпишите PDF ещё раз.")
    infos = list(signed["signer_infos"])
    if len(infos) != 1:
        raise BadSignatureFile(why=f"в нём подписей: {len(infos)}, а нужна одна.")
    algorithm = infos[0]["digest_algorithm"]["algorithm"].dotted
    if algorithm not in DIGESTS:
        raise BadSignatureFile(why="хеш посчитан неизвестным способом. Нужен ГОСТ Р 34.11-2012 или SHA-2.")
    return infos[0], algorithm


def names(certificate: dict[str, str], last_name: str) -> bool:
    """Tell whether the certificate names a person of this last name; one that is not in the file names nobody else."""
    subject = certificate.get("subject", "").lower().replace("ё", "е")
    return not subject or last_name.lower().replace("ё", "е") in subject


def check_holder(certificate: dict[str, str], last_name: str) -> None:
    """Raise BadSignatureFile unless the certificate in the file names a person of this last name."""
    subject = certificate.get("subject", "")
    if not subject:
        raise BadSignatureFile(why="в нём нет сертификата, и не видно, чья это подпись. Подпишите с сертификатом.")
    if not names(certificate, last_name):
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
