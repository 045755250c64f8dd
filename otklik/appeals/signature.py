"""Signature: the answer is frozen «к подписи», then signed in one of the recorded ways. A click is not a signature."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from pypdf import PdfWriter

from otklik.appeals import access, approval, complained, drafting, fixed, sed, transitions, ukep
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.letters import compose
from otklik.appeals.models import Appeal, DraftFile, DraftRevision, FrozenAnswer, Signature
from otklik.appeals.permissions import check_can_write, check_power
from otklik.core import files, signatures, typeset
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.people import staff
from otklik.people.models import Employee

S = Appeal.Status
Way = Signature.Way
MARK: Final = Path(__file__).parent / "letters" / "mark.typ"
SIGN, APPROVE, ATTEST = "appeals.sign", "appeals.approve", "appeals.attest"


class NotApproved(DomainError):
    """Only an approved text is frozen."""

    code = "appeal.not_approved"
    text = "Обращение № {number}: передать на подпись можно только согласованный текст. Отправьте его на согласование."


class UnfitSigner(DomainError):
    """The official may not sign on that day."""

    code = "appeal.unfit_signer"
    text = "{name} не может подписать ответ {on}: {why}. Выберите другое должностное лицо."


class AlreadySigned(DomainError):
    """Somebody was quicker, or the answer was withdrawn."""

    code = "appeal.already_signed"
    text = "Обращение № {number}: ответ уже подписан или отозван с подписи. Обновите карточку."


class FrozenAnswerChanged(DomainError):
    """What is stored is no longer what was frozen."""

    code = "appeal.frozen_changed"
    text = "Файл «{name}» отличается от переданного на подпись. Отправка остановлена, сообщите администратору."


class SignatureWayRefused(DomainError):
    """The regime demands a real signature."""

    code = "appeal.signature_way_refused"
    text = "По режиму «{regime}» ответ отправляют только подписанным: загрузите подпись, скан или укажите номер в СЭД."


class SedNumberNeeded(DomainError):
    """A signature in СЭД is known by its number."""

    code = "appeal.sed_number_needed"
    text = "Укажите номер документа в СЭД: по нему находят подписанный оригинал."


def check_can_freeze(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not hand the answer over for signature now."""
    if not user.has_power("appeals.dispatch"):
        check_can_write(appeal, user)
    transitions.check_can_move(appeal, S.SIGNING)
    if appeal.status == S.SIGNING or approval.approved_revision(appeal) is None:
        raise NotApproved(number=appeal.number)


def check_can_withdraw(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not take the answer back from signature or before dispatch."""
    if appeal.status not in (S.SIGNING, S.SIGNED):
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.DRAFTING.label)
    answer = frozen_of(appeal)
    if answer is not None and access.stands_for(user, answer.signer):
        return
    if not user.has_power("appeals.dispatch"):
        check_can_write(appeal, user)


def check_can_sign(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not bring the signature file: the signer, his deputy, or who records signatures.

    An answer of a personal reception has no deputies (п. 35.3).
    """
    answer = _answer_to_sign(appeal)
    complained.check_apart(appeal, user, "внести подпись ему")
    is_his = user.pk == answer.signer_id if answer.bound_signer_id else access.stands_for(user, answer.signer)
    if not is_his and not user.has_power(ATTEST):
        raise NotYours(number=appeal.number, what="внести подпись", who=answer.signer.short_name)


def check_can_attest(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not attest a scan or write down a signature made in СЭД."""
    check_power(user, ATTEST, "внести сведения о подписи")
    _answer_to_sign(appeal)
    complained.check_apart(appeal, user, "внести сведения о подписи ему")


def check_can_approve_dispatch(appeal: Appeal, user: Employee) -> None:
    """Raise where the answer may not go out on the head's approval instead of a signature."""
    answer = _answer_to_sign(appeal)
    if not appeal.regime.head_may_approve_dispatch or answer.bound_signer_id:
        raise SignatureWayRefused(regime=appeal.regime.name)
    if not user.has_power(SIGN):
        check_power(user, APPROVE, "согласовать отправку ответа")
    if not access.stands_for(user, answer.signer):
        raise NotYours(number=appeal.number, what="согласовать отправку", who=answer.signer.short_name)
    complained.check_apart(appeal, user, "согласовать отправку ему")
    if user.pk == answer.revision.author_id:
        raise UnfitSigner(name=user.short_name, on="сегодня", why="это автор текста")


def signers(appeal: Appeal, *, on: date | None = None) -> list[Employee]:
    """Return who may sign this answer on a day, deputies of absent officials included.

    Of a personal reception: who held it and nobody else; nobody at all while he may not (`releasing.release`).
    """
    on = on or timezone.localdate()
    if (bound := fixed.of(appeal)) is not None:
        return [bound.now] if fixed.is_fit(bound.now, on) else []
    people = {one.pk: one for one in staff.holders(SIGN, on=on)}
    if appeal.regime.head_may_approve_dispatch:
        people |= {one.pk: one for one in staff.holders(APPROVE, on=on)}
    return complained.apart(appeal, [one for one in people.values() if one.is_active])


def frozen_of(appeal: Appeal) -> FrozenAnswer | None:
    """Return the answer that is being signed or was sent last; None while there is only a draft.

    Asked once per version of the appeal: every check of a card needs it, and every step makes a new version.
    """
    known: tuple[int, FrozenAnswer | None] | None = appeal.__dict__.get("_frozen")
    if known is None or known[0] != appeal.version:
        known = (appeal.version, _frozen(appeal))
        appeal.__dict__["_frozen"] = known
    return known[1]


def _frozen(appeal: Appeal) -> FrozenAnswer | None:
    return (
        FrozenAnswer.objects.filter(appeal=appeal, withdrawn_at=None, followed_at=None)
        .select_related("signer", "signature__signer", "signature__recorded_by", "letter", "revision")
        .first()
    )


def freeze(
    appeal: Appeal,
    *,
    signer: Employee,
    by: Employee,
    at: datetime | None = None,
    imported: bool = False,
) -> FrozenAnswer:
    """Freeze the approved text and its attachments as a PDF letter with hashes; the appeal is «на подписи»."""
    at = at or timezone.now()
    if not imported:
        check_can_freeze(appeal, by)
    revision = approval.approved_revision(appeal)
    if revision is None:
        raise NotApproved(number=appeal.number)
    check_signer(appeal, signer, timezone.localdate(at))
    attachments = list(revision.draft.files.select_related("stored"))
    # The letter is set outside the transaction: it takes longer than everything else here.
    letter = files.store(
        compose.letter_pdf(appeal, revision.text, attachments, signer, on=timezone.localdate(at)),
        name=compose.letter_name(appeal),
    )
    with transaction.atomic():
        drafting.hold(revision.draft, by=by)
        answer = _keep_frozen(appeal, revision, letter, attachments, signer=signer, by=by, at=at)
        transitions.move(
            appeal,
            S.SIGNING,
            by=by,
            action="appeal.frozen",
            facts={"revision": revision.seq, "signer": signer.pk, "digest": answer.digest},
        )
    return answer


def prepare_letter(answer: FrozenAnswer, signer: Employee, *, on: date) -> StoredFile:
    """Return the same answer's letter under another name; set before the transaction, as the first one was."""
    attachments = list(answer.revision.draft.files.all())
    content = compose.letter_pdf(answer.appeal, answer.text, attachments, signer, on=on)
    return files.store(content, name=compose.letter_name(answer.appeal))


@transaction.atomic
def pass_on(answer: FrozenAnswer, *, signer: Employee, letter: StoredFile, by: Employee) -> FrozenAnswer:
    """Freeze the same approved text for another signer; what waited for the first stays in the history, withdrawn."""
    appeal, at = answer.appeal, timezone.now()
    check_signer(appeal, signer, timezone.localdate(at))
    waiting = FrozenAnswer.objects.filter(pk=answer.pk, withdrawn_at=None, followed_at=None, signature__isnull=True)
    if appeal.status != S.SIGNING or not waiting.update(withdrawn_at=at):
        raise AlreadySigned(number=appeal.number)
    attachments = list(answer.revision.draft.files.select_related("stored"))
    renewed = _keep_frozen(appeal, answer.revision, letter, attachments, signer=signer, by=by, at=at)
    transitions.move(
        appeal,
        S.SIGNING,
        by=by,
        action="appeal.signer_changed",
        facts={"was_signer": answer.signer_id, "signer": signer.pk, "digest": renewed.digest},
    )
    return renewed


@transaction.atomic
def withdraw(answer: FrozenAnswer, *, by: Employee) -> None:
    """Take the answer back before it is sent; text and signature stay in the history."""
    check_can_withdraw(answer.appeal, by)
    if not FrozenAnswer.objects.filter(pk=answer.pk, withdrawn_at=None).update(withdrawn_at=timezone.now()):
        raise AlreadySigned(number=answer.appeal.number)
    transitions.move(answer.appeal, S.DRAFTING, by=by, action="appeal.withdrawn", facts={"digest": answer.digest})
    answer.refresh_from_db()


def sign_ukep(answer: FrozenAnswer, signature_file: File[bytes], *, by: Employee) -> Signature:
    """Record a detached УКЭП file brought back for exactly the frozen letter.

    What is checked: the file is a detached CMS signature, and the digest it signs is the digest of our PDF, byte
    for byte. What is not: the mathematics of the ГОСТ signature and the chain of trust; that stays with the
    department's certified crypto tool (КриптоПро, VipNet), which alone may judge it.
    """
    check_can_sign(answer.appeal, by)
    today = timezone.localdate()
    check_signer(answer.appeal, answer.signer, today)
    raw = signature_file.read(ukep.MAX_BYTES + 1)
    certificate = _certificate(answer, raw)
    if answer.bound_signer_id:
        ukep.check_holder(certificate, answer.signer.last_name)
    elif not ukep.names(certificate, answer.signer.last_name):
        who = answer.signer.short_name
        raise ukep.BadSignatureFile(why=f"сертификат в нём — другого человека, а под письмом стоит {who}.")
    ukep.check_time(certificate, timezone.localdate(answer.frozen_at), today)
    proof = files.store(raw, name=f"{compose.letter_name(answer.appeal)}.sig")
    return _sign(answer, Way.UKEP, by=by, signed_on=today, file=proof, certificate=certificate)


def _certificate(answer: FrozenAnswer, raw: bytes) -> dict[str, str]:
    """Return whose signature it is; of another document of ours the refusal says which."""
    try:
        return ukep.check(raw, files.path_of(answer.letter).read_bytes())
    except ukep.BadSignatureFile:
        other = of_digest(*ukep.digest_in(raw))
        if other is None or other.pk == answer.pk:
            raise
        raise ukep.BadSignatureFile(why=other_letter(other)) from None


def of_digest(algorithm: str, digest: bytes) -> FrozenAnswer | None:
    """Return the frozen answer whose letter has this digest, withdrawn ones too; known by SHA-256 only."""
    if algorithm != signatures.SHA256:
        return None
    rows = FrozenAnswer.objects.filter(letter__sha256=digest.hex()).select_related("appeal", "signature")
    return rows.order_by("-pk").first()


def other_letter(answer: FrozenAnswer) -> str:
    """Say of a signature of another letter which one it is, and where that stands."""
    told = "ждёт подписи"
    if answer.withdrawn_at is not None:
        told = "отозвано с подписи"
    elif getattr(answer, "signature", None) is not None:
        told = "уже подписано"
    return f"это подпись другого письма — ответа № {answer.appeal.number} ({told})."


def sign_paper(
    answer: FrozenAnswer,
    scan: File[bytes] | StoredFile | None,
    *,
    signed_on: date,
    by: Employee,
    at: datetime | None = None,
    imported: bool = False,
) -> Signature:
    """Record a scan of the paper original; whoever records it attests that it is the same letter."""
    if not imported:
        check_can_attest(answer.appeal, by)
    _check_signed_on(answer, signed_on, at)
    if scan is None:
        raise files.Refused(name="скан", why="он не приложен", do="Выберите скан подписанного письма.")
    if not isinstance(scan, StoredFile):
        files.check(scan, scan.name or "скан")
        scan.seek(0)
        scan = files.store(scan, name=scan.name or "скан")
    return _sign(answer, Way.PAPER, by=by, signed_on=signed_on, file=scan, at=at)


def sign_sed(
    answer: FrozenAnswer,
    *,
    number: str,
    signed_on: date,
    by: Employee,
    at: datetime | None = None,
    imported: bool = False,
) -> Signature:
    """Record the number and date under which the letter was signed in the government's СЭД."""
    if not imported:
        check_can_attest(answer.appeal, by)
    _check_signed_on(answer, signed_on, at)
    if not number.strip():
        raise SedNumberNeeded
    with transaction.atomic():
        row = _sign(answer, Way.SED, by=by, signed_on=signed_on, sed_number=number.strip()[:60], at=at)
        sed.note_signed(answer.appeal, row.sed_number, signed_on, by=by)
    return row


def approve_by_head(
    answer: FrozenAnswer, *, by: Employee, at: datetime | None = None, imported: bool = False
) -> Signature:
    """Let an answer outside statutory regimes go out on the head's approval, where the regime allows it."""
    if not imported:
        check_can_approve_dispatch(answer.appeal, by)
    return _sign(answer, Way.HEAD, by=by, signed_on=timezone.localdate(at), at=at)


def verify_frozen(answer: FrozenAnswer) -> None:
    """Recompute every hash of a frozen answer; raise FrozenAnswerChanged at the first difference.

    What a personal reception promised goes out only with the signature of him who alone may give it.
    """
    if (bound := fixed.of(answer.appeal)) is not None:
        fixed.check_is(bound, answer.signer)
    complained.check_apart(answer.appeal, answer.signer, "отправить ответ за его подписью")
    if _digest(answer.manifest) != answer.digest:
        raise FrozenAnswerChanged(name="состав ответа")
    stored = StoredFile.objects.in_bulk([item["sha256"] for item in answer.manifest["files"]], field_name="sha256")
    for item in answer.manifest["files"]:
        row = stored.get(item["sha256"])
        if row is None or not _same_bytes(row, item["sha256"]):
            raise FrozenAnswerChanged(name=item["name"])
    if answer.manifest["text"] != hashlib.sha256(answer.text.encode()).hexdigest():
        raise FrozenAnswerChanged(name="текст ответа")


def names(stored: StoredFile) -> bool:
    """Tell whether a frozen answer, withdrawn ones too, has the file in its list: such a list knows it by its hash."""
    return FrozenAnswer.objects.filter(manifest__icontains=stored.sha256).exists()


def frozen_files(answer: FrozenAnswer) -> list[tuple[str, StoredFile]]:
    """Return the letter and its attachments, with names, as they will go out."""
    stored = StoredFile.objects.in_bulk([item["sha256"] for item in answer.manifest["files"]], field_name="sha256")
    return [(item["name"], stored[item["sha256"]]) for item in answer.manifest["files"]]


def _answer_to_sign(appeal: Appeal) -> FrozenAnswer:
    answer = frozen_of(appeal) if appeal.status == S.SIGNING else None
    if answer is None:
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.SIGNED.label)
    return answer


def check_signer(appeal: Appeal, signer: Employee, on: date) -> None:
    """Raise where the official may not sign this answer on that day, or the appeal complains of him."""
    complained.check_apart(appeal, signer, "подписать ответ ему")
    if (bound := fixed.of(appeal)) is not None:
        fixed.check(bound, signer, on)
        return
    powers = staff.powers_of(signer, on)
    fit = SIGN in powers or (appeal.regime.head_may_approve_dispatch and APPROVE in powers)
    if not fit or not signer.is_active:
        raise UnfitSigner(name=signer.short_name, on=f"{on:%d.%m.%Y}", why="в этот день у него нет права подписи")


def _check_signed_on(answer: FrozenAnswer, signed_on: date, at: datetime | None) -> None:
    if signed_on < timezone.localdate(answer.frozen_at):
        raise WrongDate(what="Письмо не может быть подписано раньше, чем передано на подпись.")
    if signed_on > timezone.localdate(at):
        raise WrongDate(what="Дата подписания ещё не наступила.")
    check_signer(answer.appeal, answer.signer, signed_on)


def _sign(
    answer: FrozenAnswer, way: str, *, by: Employee, signed_on: date, at: datetime | None = None, **proof: Any
) -> Signature:
    """Write the one signature an answer can have; of two at once, the table lets one in."""
    appeal = answer.appeal
    if (bound := fixed.of(appeal)) is not None:
        fixed.check_is(bound, answer.signer)
        if way == Way.HEAD:
            raise SignatureWayRefused(regime=appeal.regime.name)
    complained.check_apart(appeal, answer.signer, "подписать ответ ему")
    try:
        with transaction.atomic():
            row = Signature.objects.create(
                answer=answer,
                way=way,
                signer=answer.signer,
                bound_signer=bound.now if bound else None,
                signed_on=signed_on,
                recorded_by=by,
                recorded_at=at or timezone.now(),
                **proof,
            )
            if not FrozenAnswer.objects.filter(pk=answer.pk, withdrawn_at=None).update(digest=answer.digest):
                raise AlreadySigned(number=appeal.number)
            transitions.move(
                appeal,
                S.SIGNED,
                by=by,
                action="appeal.signed",
                on_behalf_of=answer.signer if answer.signer_id != by.pk else None,
                facts={"way": way, "digest": answer.digest, "signed_on": signed_on.isoformat()},
            )
    except IntegrityError as exc:
        raise AlreadySigned(number=appeal.number) from exc
    return row


def _keep_frozen(
    appeal: Appeal,
    revision: DraftRevision,
    letter: StoredFile,
    attachments: list[DraftFile],
    *,
    signer: Employee,
    by: Employee,
    at: datetime,
) -> FrozenAnswer:
    """Write the row «к подписи»: a revision, whose text never changes, with its letter, files and their hashes."""
    manifest = _manifest(revision.text, compose.letter_name(appeal), letter, attachments)
    bound = fixed.of(appeal)
    return FrozenAnswer.objects.create(
        appeal=appeal,
        revision=revision,
        signer=signer,
        bound_signer=bound.now if bound else None,
        text=revision.text,
        letter=letter,
        manifest=manifest,
        digest=_digest(manifest),
        frozen_by=by,
        frozen_at=at,
    )


def _manifest(text: str, name: str, letter: StoredFile, attachments: list[DraftFile]) -> dict[str, Any]:
    listed = [(name, letter), *((row.name, row.stored) for row in attachments)]
    return {
        "text": hashlib.sha256(text.encode()).hexdigest(),
        "files": [{"name": title, "size": row.size, "sha256": row.sha256} for title, row in listed],
    }


def _digest(manifest: dict[str, Any]) -> str:
    canonical = json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _same_bytes(row: StoredFile, expected: str) -> bool:
    path = files.path_of(row)
    if not path.exists():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == expected


class NoMark(DomainError):
    """There is no signature file, so nothing may look signed."""

    code = "appeal.no_mark"
    text = "Отметки об электронной подписи нет: файл подписи не внесён. Она появляется только вместе с файлом."


def marked(answer: FrozenAnswer) -> bytes:
    """Return a copy of the letter with the visible mark of its signature; only where the signature file is there.

    The mark stands on a page of its own: it is a copy to be printed, the signed bytes stay what they are.
    """
    row = Signature.objects.filter(answer=answer).select_related("file").first()
    if row is None or row.way != Way.UKEP or row.file is None or not files.path_of(row.file).exists():
        raise NoMark
    told = row.certificate
    who, post = signatures.holder(told)
    days = [date.fromisoformat(told[name][:10]) for name in ("valid_from", "valid_to") if told.get(name)]
    facts = {
        "Владелец": ", ".join(filter(None, (who, post))),
        "Сертификат": told.get("serial", ""),
        "Действителен": f"с {days[0]:%d.%m.%Y} по {days[1]:%d.%m.%Y}" if len(days) == 2 else "",
        "Подписано": f"{row.signed_on:%d.%m.%Y}",
    }
    mark = {
        "title": f"Ответ на обращение № {answer.appeal.number}",
        "rows": [[name, value] for name, value in facts.items() if value],
        "digest": answer.letter.sha256,
        "note": "Копия для печати. Подлинник — файл PDF и файл подписи к нему; проверяют подпись по ним.",
    }
    writer, content = PdfWriter(), io.BytesIO()
    writer.append(files.path_of(answer.letter))
    writer.append(io.BytesIO(typeset.pdf(MARK, {"mark": mark}, on=row.signed_on)))
    writer.write(content)
    return content.getvalue()
