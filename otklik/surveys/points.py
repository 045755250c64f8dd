"""Where people are asked: places with a short address, its QR code, posters and a block for another site."""

from __future__ import annotations

import io
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Final

import segno
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.html import format_html

from otklik.core import journal, typeset
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee
from otklik.surveys import feedback
from otklik.surveys.models import Questionnaire, Response, SurveyPoint

POSTER: Final = Path(__file__).parent / "data" / "poster.typ"
QR_SHEET: Final = Path(__file__).parent / "data" / "qr.typ"
PAPERS: Final = {"a4": "A4", "a5": "A5"}
BY_CODE: Final = "Если ничего не указать, с вами свяжутся по сведениям из обращения, приёма или звонка, о котором код."
FIRST_CODE: Final = 11


class PointUnknown(DomainError):
    """No point has this code, or nobody is asked there now."""

    code = "survey.point_unknown"
    text = "Анкеты с таким адресом нет или её уже сняли. Проверьте адрес либо напишите нам."
    status = 404


class CodeTaken(DomainError):
    """Another point has this code already."""

    code = "survey.code_taken"
    text = "Код «{code}» занят местом «{name}». Возьмите другой: свободен, например, {free}."


def running(on: date | None = None) -> QuerySet[SurveyPoint]:
    """Return the points where people are asked on this day."""
    on = on or timezone.localdate()
    return SurveyPoint.objects.filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on)


def is_running(point: SurveyPoint, on: date | None = None) -> bool:
    """Tell whether people are asked there on this day."""
    on = on or timezone.localdate()
    return point.valid_from <= on and (point.valid_to is None or point.valid_to >= on)


def find(code: str, *, on: date | None = None) -> SurveyPoint:
    """Return the point of a short address; refuse one that is not there or not asked at."""
    point = running(on).filter(code=code.lower()).first()
    if point is None:
        raise PointUnknown
    return point


def asked_at(point: SurveyPoint, *, on: date | None = None) -> Questionnaire:
    """Return the edition that is asked at this point today."""
    questionnaire = feedback.in_force(point.questionnaire, on=on or timezone.localdate())
    if questionnaire is None:
        raise PointUnknown
    return questionnaire


def for_line() -> SurveyPoint | None:
    """Return the point that a consultant tells a caller of, if there is one."""
    return running().filter(channel__in=feedback.CONSULTATION_CHANNELS).order_by("pk").first()


def for_site() -> SurveyPoint | None:
    """Return the point that the portal shows, if there is one."""
    return running().filter(channel="website").order_by("pk").first()


def for_codes() -> SurveyPoint | None:
    """Return the point where whoever was given a one-time code may enter it: on the site, else on the line."""
    return for_site() or for_line()


def opened(point: SurveyPoint) -> None:
    """Count that somebody has opened the questionnaire there."""
    SurveyPoint.objects.filter(pk=point.pk).update(opened=F("opened") + 1)


def answered(points: Collection[SurveyPoint]) -> dict[int, int]:
    """Return how many have answered at each point, in one query."""
    rows = Response.objects.filter(point__in=points).values("point").annotate(number=Count("pk"))
    return {row["point"]: row["number"] for row in rows}


def keep(point: SurveyPoint, *, changed: Collection[str], by: Employee) -> SurveyPoint:
    """Write a point down, new or changed; its code never changes: posters hang."""
    new = point.pk is None
    taken = SurveyPoint.objects.filter(code=point.code).exclude(pk=point.pk).first()
    if taken is not None:
        raise CodeTaken(code=point.code, name=taken.name, free=free_code())
    with transaction.atomic():
        point.save()
        changes = sorted(changed)
        chain = f"survey_point:{point.pk}"
        journal.record("survey.point_added" if new else "survey.point_changed", chain=chain, by=by, fields=changes)
    return point


def free_code() -> str:
    """Return the first number no point has: digits are dictated without «латинскими буквами»."""
    taken = set(SurveyPoint.objects.values_list("code", flat=True))
    number = FIRST_CODE
    while str(number) in taken:
        number += 1
    return str(number)


def path(point: SurveyPoint) -> str:
    """Return what follows the host in the address to dictate: «/o/11»."""
    return f"/o/{point.code}"


def url(point: SurveyPoint, code: str = "") -> str:
    """Return the whole address, as a QR code and a link carry it; with a one-time code it need not be typed."""
    known = f"?k={code.replace(' ', '')}" if code else ""
    return f"{settings.BASE_URL}{path(point)}/{known}"


def said(point: SurveyPoint) -> str:
    """Return the address as people read it and type it: without «https://» and the last stroke."""
    return f"{settings.BASE_URL.partition('://')[2]}{path(point)}"


def qr_svg(point: SurveyPoint, code: str = "", *, fits: bool = False) -> bytes:
    """Return the QR code of a point's address as a picture that stands alone: black on white, with its quiet zone.

    `code`: the one-time code it brings along. `fits`: it has no size of its own and is as wide as its place.
    """
    drawn = io.BytesIO()
    # A quarter of it may be spoilt: posters hang for years.
    segno.make(url(point, code), error="q", micro=False).save(
        drawn, kind="svg", border=4, xmldecl=False, light="#fff", omitsize=fits, scale=8, title=None
    )
    return drawn.getvalue()


def qr_pdf(point: SurveyPoint, *, on: date) -> bytes:
    """Return the QR code alone as PDF, to be put into other papers."""
    return typeset.pdf(QR_SHEET, {"sheet": {"qr": qr_svg(point).decode(), "url": url(point)}}, on=on)


def poster(point: SurveyPoint, paper: str, *, on: date) -> bytes:
    """Return the poster of a point as PDF: what is asked, the QR code, the address in words."""
    return typeset.pdf(POSTER, poster_data(point, paper, on=on), on=on)


def poster_data(point: SurveyPoint, paper: str, *, on: date) -> dict[str, dict[str, object]]:
    """Return what the poster says."""
    facts: dict[str, object] = {
        "paper": paper,
        "qr": qr_svg(point).decode(),
        "url": url(point),
        "said": said(point),
        "place": point.name,
        "title": asked_at(point, on=on).title,
        "department": staff.department().name,
    }
    return {"poster": facts}


def block(point: SurveyPoint) -> str:
    """Return the block for the department's official site: a picture, a link, the address in words; no scripts."""
    return format_html(
        '<div>\n  <p><a href="{url}"><img src="{url}qr.svg" width="180" height="180" '
        'alt="QR-код анкеты о работе департамента"></a></p>\n'
        '  <p><a href="{url}">Оценить работу департамента</a></p>\n'
        "  <p>Или наберите в браузере: {said}</p>\n</div>",
        url=url(point),
        said=said(point),
    )
