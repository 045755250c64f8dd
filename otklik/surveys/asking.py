"""The questionnaire of a point: asked of whoever opens it, without a name, and answered once per attempt.

An attempt is a signed key in the form: which edition was opened, where, and a chance number. The same key never makes
a second answer, so a person whose connection broke may send again. No cookie, no account, no address is kept.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.surveys import feedback, points, questions
from otklik.surveys.models import AnswerFlow, ContactConsent, Invitation, Questionnaire, Response, SurveyPoint

SALT: Final = "surveys.attempt"
OPEN_FOR: Final = timedelta(hours=12)
# One address may be a whole office or a village: so many answers an hour are taken for honest. What comes beyond is
# kept, but the hour's answers of that address are marked «подозрительно много» and stand apart in the analysis.
HONEST_AN_HOUR: Final = 30
# Only what no crowd can be is refused: a disk is not to be filled by one program.
MOST_AN_HOUR: Final = 20_000
VISITOR_KEPT: Final = timedelta(days=1)
CODE_DIGITS: Final = 9
CONTACT_MAX: Final = 200

CONSENT_EDITION: Final = "2026-11-qr"
CONSENT_TEXT: Final = (
    "Разрешаю департаменту записать указанный мной телефон или адрес электронной почты и связаться со мной, "
    "чтобы уточнить мой отзыв о работе. Других целей нет. Согласие можно отозвать в любое время письмом или "
    "по телефону департамента: записанное будет удалено."
)


class AttemptStale(DomainError):
    """The form was opened too long ago, or its key is not ours."""

    code = "survey.stale"
    text = (
        "Страница была открыта слишком давно или повреждена. Ваши ответы остались на месте: "
        "проверьте их и нажмите «Отправить» ещё раз."
    )


class CodeUnknown(DomainError):
    """No invitation bears this code."""

    code = "survey.code_unknown"
    text = "Такого кода нет. Проверьте цифры или сотрите код: отзыв можно оставить и без него."


class CodeUsed(DomainError):
    """Somebody has answered by this code already."""

    code = "survey.code_used"
    text = "По этому коду отзыв уже получен. Сотрите код, если хотите оставить ещё один отзыв без него."


class TooMany(DomainError):
    """More answers than any crowd gives came from one address within an hour."""

    code = "survey.too_many"
    text = "С вашего адреса в сети пришло слишком много отзывов. Подождите час и отправьте ещё раз."
    status = 429


class ContactUnclear(DomainError):
    """Neither a telephone nor an address of electronic mail."""

    code = "survey.contact"
    text = "Укажите телефон (не меньше шести цифр) или адрес электронной почты."


@dataclass(frozen=True)
class Attempt:
    """What the key of an opened form says."""

    questionnaire: int
    point: int
    number: str


def begin(point: SurveyPoint, questionnaire: Questionnaire) -> str:
    """Return the key of a form that is being opened: the edition it shows is the one that will be answered."""
    said = [questionnaire.pk, point.pk, secrets.token_urlsafe(12)]
    return signing.dumps(said, salt=SALT)


def opened_edition(point: SurveyPoint, key: str) -> Questionnaire | None:
    """Return the edition a form was opened with, while its key holds; None where it is to be opened anew."""
    try:
        attempt = _read(point, key)
        _check_age(key)
    except AttemptStale:
        return None
    return Questionnaire.objects.filter(pk=attempt.questionnaire).first()


def answer(
    point: SurveyPoint, key: str, given: questions.Given, comment: str = "", *, code: str = "", visitor: str = ""
) -> Response:
    """Keep what one person said at a point and return it; the same attempt again returns what was kept first.

    `code` ties the answer to what an invitation was made for; `visitor` is a keyed hash of the address.
    """
    attempt = _read(point, key)
    try:
        _check_age(key)
        questionnaire = Questionnaire.objects.filter(pk=attempt.questionnaire).first()
        if questionnaire is None:
            raise AttemptStale
        answers = questions.read(questionnaire, given)
        with transaction.atomic():
            invitation = _invitation(point, questionnaire, code)
            flow = _count(visitor) if visitor else None
            return feedback.keep(
                invitation,
                answers,
                comment,
                source=Response.Source.QR,
                point=point,
                attempt=attempt.number,
                flow=flow,
                suspicious=flow is not None and flow.number > HONEST_AN_HOUR,
            )
    except (IntegrityError, DomainError) as refusal:
        # Whatever stands in the way of a second sending, the first one has its answer. It is asked for here only: of a
        # hundred answers one is sent twice.
        kept = Response.objects.filter(attempt=attempt.number).select_related("invitation").first()
        if kept is not None:
            return kept
        if isinstance(refusal, IntegrityError):  # the same code used twice at once
            raise CodeUsed from refusal
        raise


def code_for(invitation: Invitation) -> str:
    """Return the one-time code of an invitation, to be dictated or printed: nine digits, made when first asked for."""
    while not invitation.code:
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        try:
            with transaction.atomic():
                Invitation.objects.filter(pk=invitation.pk, code=None).update(code=code)
        except IntegrityError:  # another invitation has drawn the same
            continue
        invitation.refresh_from_db(fields=["code"])
    return f"{invitation.code[:3]} {invitation.code[3:6]} {invitation.code[6:]}"


def given_code(invitation: Invitation | None) -> str:
    """Return the code that was given, while it can be used; empty where there is none."""
    if invitation is None or not invitation.code or not feedback.is_open(invitation):
        return ""
    return "" if feedback.response_of(invitation) else code_for(invitation)


def check_unanswered(invitation: Invitation, already: DomainError) -> None:
    """Raise `already` where the person has answered, InvitationExpired where he no longer can."""
    if feedback.response_of(invitation):
        raise already
    feedback.check_open(invitation)


def thanked(token: str) -> Response:
    """Return the kept answer of a thanks page; refuse an address nobody was sent to."""
    rows = Response.objects.select_related("invitation__questionnaire", "point", "consent")
    response = rows.filter(invitation__token=token).first()
    if response is None:
        raise feedback.InvitationUnknown
    return response


def allow_contact(response: Response, contact: str) -> ContactConsent:
    """Keep the consent to be contacted with where to; whoever answered by a code may leave it to what is known."""
    contact = " ".join(contact.split())[:CONTACT_MAX]
    clear = "@" in contact.strip("@") or len(re.sub(r"\D", "", contact)) >= 6
    if not (clear if contact else response.invitation.code):
        raise ContactUnclear
    edition = CONSENT_EDITION if contact else feedback.CONSENT_EDITION
    return feedback.allow_contact(response.invitation.token, edition=edition, contact=contact)


def consent_text(response: Response) -> str:
    """Return what one agrees to."""
    return CONSENT_TEXT if not response.invitation.code else f"{CONSENT_TEXT} {points.BY_CODE}"


def _read(point: SurveyPoint, key: str) -> Attempt:
    try:
        attempt = Attempt(*signing.loads(key, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError) as wrong:
        raise AttemptStale from wrong
    if attempt.point != point.pk:
        raise AttemptStale
    return attempt


def _check_age(key: str) -> None:
    try:
        signing.loads(key, salt=SALT, max_age=OPEN_FOR)
    except signing.BadSignature as late:
        raise AttemptStale from late


def _invitation(point: SurveyPoint, questionnaire: Questionnaire, code: str) -> Invitation:
    """Return the invitation to be answered: that of the code, about the edition that was opened, or a nameless one."""
    digits = re.sub(r"\D", "", code)
    if not code.strip():
        return Invitation.objects.create(questionnaire=questionnaire, channel=point.channel)
    found = Invitation.objects.filter(code=digits).first() if len(digits) == CODE_DIGITS else None
    if found is None:
        raise CodeUnknown
    if Response.objects.filter(invitation=found).exists():
        raise CodeUsed
    if not feedback.is_open(found):
        raise feedback.InvitationExpired(on=f"{found.expires_on:%d.%m.%Y}")
    if found.questionnaire_id != questionnaire.pk:
        found.questionnaire = questionnaire
        found.save(update_fields=["questionnaire"])
    return found


def _count(visitor: str) -> AnswerFlow:
    """Count one more answer of this hour from this address; mark the hour's answers where there are too many."""
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = AnswerFlow.objects.filter(visitor=visitor, hour=hour)
    if not rows.update(number=F("number") + 1):
        forget_visitors(now)
        AnswerFlow.objects.bulk_create([AnswerFlow(visitor=visitor, hour=hour)], ignore_conflicts=True)
        rows.update(number=F("number") + 1)
    flow = rows.get()
    if flow.number > MOST_AN_HOUR:
        raise TooMany
    if flow.number == HONEST_AN_HOUR + 1:
        Response.objects.filter(flow=flow).update(suspicious=True)
    return flow


def forget_visitors(now: datetime) -> int:
    """Forget whose the flows of answers were a day ago; the marks stay. Return how many."""
    return AnswerFlow.objects.filter(hour__lt=now - VISITOR_KEPT).exclude(visitor="").update(visitor="")
