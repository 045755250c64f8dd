"""Ask for an opinion and take it, once, whatever is retried."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.surveys import questions
from otklik.surveys.models import AnswerFlow, ContactConsent, Invitation, Questionnaire, Response, SurveyPoint

OPEN_DAYS: Final = 60  # our own choice: long enough for a letter by post to arrive and be read
COMMENT_MAX: Final = 4000
CONSULTATION_CHANNELS: Final = frozenset({"hotline", "ekc"})

CONSENT_EDITION: Final = "2026-11"
CONSENT_TEXT: Final = (
    "Разрешаю департаменту связаться со мной по телефону или адресу из моего обращения, "
    "чтобы уточнить мой отзыв о работе. Других целей нет. Согласие можно отозвать в любое время "
    "письмом или по телефону департамента; на рассмотрение обращения это не повлияет."
)


class InvitationUnknown(DomainError):
    """No invitation bears this token."""

    code = "feedback.unknown"
    text = "Такой анкеты нет. Проверьте ссылку: возможно, она скопирована не целиком."
    status = 404


class InvitationExpired(DomainError):
    """The time to answer is over."""

    code = "feedback.expired"
    text = "Анкета закрыта {on}. Если вопрос остался, напишите нам или позвоните."
    status = 410


def invite(*, channel: str, on: date) -> Invitation:
    """Return a fresh invitation with the questionnaire that fits the channel and is in force on this day."""
    code = "consultation" if channel in CONSULTATION_CHANNELS else "written"
    questionnaire = in_force(code, on=on)
    if questionnaire is None:
        raise Questionnaire.DoesNotExist(code)
    return Invitation.objects.create(
        questionnaire=questionnaire, channel=channel, expires_on=on + timedelta(days=OPEN_DAYS)
    )


def in_force(code: str, *, on: date) -> Questionnaire | None:
    """Return the edition that is asked on this day, if any."""
    valid = Q(valid_to__isnull=True) | Q(valid_to__gte=on)
    return Questionnaire.objects.filter(valid, code=code, valid_from__lte=on).order_by("-edition").first()


def find(token: str) -> Invitation:
    """Return the invitation of this token; refuse a token nobody was given."""
    invitation = Invitation.objects.select_related("questionnaire", "response").filter(token=token).first()
    if invitation is None:
        raise InvitationUnknown
    return invitation


def is_open(invitation: Invitation, *, on: date | None = None) -> bool:
    """Tell whether the questionnaire can still be answered."""
    return invitation.expires_on is None or invitation.expires_on >= (on or timezone.localdate())


def check_open(invitation: Invitation, *, on: date | None = None) -> None:
    """Raise InvitationExpired where the questionnaire can no longer be answered."""
    if not is_open(invitation, on=on):
        raise InvitationExpired(on=f"{invitation.expires_on:%d.%m.%Y}")


def answer(
    token: str,
    answers: questions.Given,
    comment: str = "",
    *,
    on: date | None = None,
    source: str = Response.Source.LINK,
    point: SurveyPoint | None = None,
    in_part: bool = False,
) -> Response:
    """Keep what one person said and return it; a repeat returns what was kept first and changes nothing."""
    invitation = find(token)
    if (kept := response_of(invitation)) is not None:
        return kept
    check_open(invitation, on=on)
    try:
        with transaction.atomic():
            return keep(
                invitation,
                questions.read(invitation.questionnaire, answers, in_part=in_part),
                comment,
                source=source,
                point=point,
            )
    except IntegrityError:  # another press of the same button was quicker
        return Response.objects.get(invitation=invitation)


def keep(
    invitation: Invitation,
    answers: dict[str, object],
    comment: str,
    *,
    source: str,
    point: SurveyPoint | None,
    attempt: str | None = None,
    flow: AnswerFlow | None = None,
    suspicious: bool = False,
) -> Response:
    """Write down what was read; in the caller's transaction, whose end says whether somebody was quicker."""
    response = Response.objects.create(
        invitation=invitation,
        answers=answers,
        comment=comment.strip()[:COMMENT_MAX],
        source=source,
        point=point,
        attempt=attempt,
        flow=flow,
        suspicious=suspicious,
    )
    journal.record("feedback.answered", chain=f"invitation:{invitation.pk}", by=None, response=response.pk)
    return response


def allow_contact(token: str, *, edition: str = CONSENT_EDITION, contact: str = "") -> ContactConsent:
    """Keep a consent to be asked about one's opinion, as a record of its own; a repeat returns the first."""
    response = response_of(find(token))
    if response is None:
        raise InvitationUnknown
    with transaction.atomic():
        consent, new = ContactConsent.objects.get_or_create(
            response=response, defaults={"edition": edition, "contact": contact}
        )
        if new:
            journal.record("feedback.contact_allowed", chain=f"invitation:{response.invitation_id}", by=None)
    return consent


def spoken(response: Response) -> list[tuple[str, str]]:
    """Return what was asked and what was answered, in words."""
    return [
        (question["text"], questions.told(question, response.answers[question["code"]]))
        for question in response.invitation.questionnaire.questions
        if response.answers.get(question["code"])
    ]


def response_of(invitation: Invitation) -> Response | None:
    """Return the kept response; asked anew, because another request may have been quicker."""
    return Response.objects.filter(invitation=invitation).select_related("invitation__questionnaire").first()
