"""Many letters signed at once: each is read to its end, all leave as one package, their signatures come back matched.

A package holds exactly the frozen bytes. A signature finds its letter by the digest it signs, whatever its name.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, complained, signature, ukep
from otklik.appeals.models import Appeal, FrozenAnswer, LookBeforeSigning
from otklik.core import files, journal, signatures
from otklik.core.errors import DomainError
from otklik.people.models import Employee

S = Appeal.Status
SUFFIXES: Final = ("sig", "p7s", "sgn", "p7b", "sign")
MOST_LETTERS: Final = 200
MOST_FILES: Final = 1000
MOST_BYTES: Final = 50 * 1024 * 1024  # of all signatures unpacked; one is some kilobytes


class NothingChosen(DomainError):
    """A package of nothing."""

    code = "appeal.nothing_to_package"
    text = "{what}"


class BadPackage(DomainError):
    """An archive that cannot be read."""

    code = "appeal.bad_package"
    text = "Архив «{name}» не прочитан: {why}. Загрузите файлы подписей без архива или архив заново."


@dataclass(frozen=True)
class Taken:
    """What became of one signature file: the letter it signed, or why it was not taken."""

    name: str
    answer: FrozenAnswer | None = None
    why: str = ""
    certificate: dict[str, str] = field(default_factory=dict)

    @property
    def holder(self) -> str:
        """Return who signed by the certificate in the file."""
        return ", ".join(filter(None, signatures.holder(self.certificate)))


def waiting(user: Employee) -> QuerySet[FrozenAnswer]:
    """Return the letters the user may bring the signature of: his own, of whom he stands for, all where he records.

    What was promised at a personal reception has no deputies.
    """
    rows = FrozenAnswer.objects.filter(withdrawn_at=None, followed_at=None, signature=None, appeal__status=S.SIGNING)
    rows = rows.filter(appeal__in=access.visible_to(user).filter(~complained.barred(user)))
    if not user.has_power(signature.ATTEST):
        behind = [person.pk for person in access.people_behind(user)]
        rows = rows.filter(Q(signer=user.pk) | Q(signer__in=behind, bound_signer=None))
    beside = ("appeal__regime", "appeal__applicant", "appeal__executor", "signer", "letter", "revision")
    return rows.select_related(*beside).order_by("appeal__due_on", "pk")


def reads(user: Employee, answer: FrozenAnswer) -> bool:
    """Tell whether it is the user who signs this letter: only his reading counts."""
    if answer.signer_id == user.pk:
        return True
    return answer.bound_signer_id is None and access.stands_for(user, answer.signer)


@transaction.atomic
def look(answer: FrozenAnswer, *, by: Employee, main: int | None = None) -> None:
    """Note that who signs has read this letter; twice is once. `main`: read by one press with others of its group."""
    signature.check_can_sign(answer.appeal, by)
    try:
        with transaction.atomic():
            LookBeforeSigning.objects.create(answer=answer, by=by, at=timezone.now())
    except IntegrityError:
        return
    facts: dict[str, Any] = {"digest": answer.digest, **({"main": main} if main else {})}
    journal.record("appeal.seen_to_sign", chain=f"appeal:{answer.appeal_id}", by=by, **facts)


def seen(answers: Iterable[FrozenAnswer], user: Employee) -> set[int]:
    """Return the ids of the letters the user has read."""
    ids = [one.pk for one in answers]
    return set(LookBeforeSigning.objects.filter(answer__in=ids, by=user).values_list("answer", flat=True))


def chosen(user: Employee, ids: Sequence[int]) -> list[FrozenAnswer]:
    """Return the chosen letters in their order, those that still wait; refuse none, and what was not read by a signer.

    Who records signatures hands them over to be read elsewhere: he need not have read them here.
    """
    rows = list(waiting(user).filter(pk__in=ids[:MOST_LETTERS]))
    if not rows:
        raise NothingChosen(what="Отметьте письма, которые войдут в пакет: они должны ещё ждать подписи.")
    if not user.has_power(signature.ATTEST) and (unread := {one.pk for one in rows} - seen(rows, user)):
        numbers = ", ".join(f"№ {one.appeal.number}" for one in rows if one.pk in unread)
        raise NothingChosen(what=f"Сначала прочитайте письма и отметьте это: {numbers}.")
    return rows


def archive(answers: Sequence[FrozenAnswer]) -> bytes:
    """Return the letters and their attachments as one ZIP with the list of hashes; each hash is counted again."""
    buffer, listed = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for place, answer in enumerate(answers, start=1):
            signature.verify_frozen(answer)
            for number, (name, stored) in enumerate(signature.frozen_files(answer)):
                inside = (
                    f"Приложения/{place:03} № {number} — {files.safe_name(name)}" if number else f"{place:03} {name}"
                )
                packed.write(files.path_of(stored), inside)
                listed.append(f"{stored.sha256}  {inside}")
        packed.writestr("SHA-256.txt", "\n".join(listed) + "\n")
        packed.writestr(
            "Как подписать.txt",
            "Подпишите каждый PDF в этой папке откреплённой подписью (.sig или .p7s). Папку «Приложения» подписывать\n"
            "не нужно. Верните файлы подписей на страницу «На подпись», можно одним архивом: письма найдутся сами.\n",
        )
    return buffer.getvalue()


def take(uploads: Sequence[File[bytes]], *, by: Employee) -> list[Taken]:
    """Record every signature whose letter waits; say of each other why it was not taken. One that fails stops none."""
    candidates = {one.pk: one for one in waiting(by)}
    known: dict[str, dict[bytes, int]] = {}
    taken = []
    for name, raw in list(_unpacked(uploads)):  # all of it first: a broken archive leaves nothing half done
        try:
            taken.append(_take(name, raw, candidates, known, by))
        except DomainError as refusal:
            taken.append(Taken(name, why=str(refusal)))
    if not taken:
        raise NothingChosen(
            what="В загруженном нет файлов подписи. Выберите файлы .sig или .p7s либо архив ZIP с ними."
        )
    return taken


def _take(
    name: str, raw: bytes, candidates: dict[int, FrozenAnswer], known: dict[str, dict[bytes, int]], by: Employee
) -> Taken:
    algorithm, digest = ukep.digest_in(raw)
    if algorithm not in known:
        known[algorithm] = {_digest(one, algorithm): pk for pk, one in candidates.items()}
    answer = candidates.get(known[algorithm].get(digest, 0))
    if answer is None:
        other = signature.of_digest(algorithm, digest)
        is_seen = other is not None and access.visible_to(by).filter(pk=other.appeal_id).exists()
        why = "подписан файл, которого нет среди писем, ждущих вашей подписи."
        return Taken(name, why=signature.other_letter(other) if other is not None and is_seen else why)
    row = signature.sign_ukep(answer, ContentFile(raw, name), by=by)
    return Taken(name, answer, certificate=row.certificate)


def _digest(answer: FrozenAnswer, algorithm: str) -> bytes:
    if algorithm == signatures.SHA256:
        return bytes.fromhex(answer.letter.sha256)  # the bytes themselves are hashed again when it is signed
    return ukep.DIGESTS[algorithm](files.path_of(answer.letter).read_bytes())


def _unpacked(uploads: Sequence[File[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield signature files, out of archives too; what else lies there is passed over, sizes are bounded."""
    left, room = MOST_FILES, MOST_BYTES
    for upload in uploads[:MOST_FILES]:
        name = files.safe_name(upload.name or "файл")
        upload.seek(0)
        if upload.read(4) != b"PK\x03\x04":
            upload.seek(0)
            yield name, upload.read(ukep.MAX_BYTES + 1)
            continue
        upload.seek(0)
        files.check(upload, name)
        upload.seek(0)
        try:
            with zipfile.ZipFile(upload) as packed:
                for part in packed.infolist():
                    if part.is_dir() or part.filename.rpartition(".")[2].lower() not in SUFFIXES:
                        continue
                    with packed.open(part) as file:
                        raw = file.read(ukep.MAX_BYTES + 1)
                    left, room = left - 1, room - len(raw)
                    if left < 0 or room < 0:
                        raise BadPackage(name=name, why=f"в нём больше {MOST_FILES} подписей или они слишком велики")
                    yield files.safe_name(part.filename), raw
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, zlib.error) as broken:
            raise BadPackage(name=name, why="он повреждён") from broken
