"""п. 24, подп. 2.1, and пп. 27.1–27.4: how people are talked with by telephone, as the rows of the line tell it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from otklik.core.compliance import Figure, Promise, end_of
from otklik.hotline.models import Consultation, MissedCall, ScriptUse

DAYS: Final = 30
_LIST: Final = "workplace:line_counted"


def _within(on: date, moment: str) -> Q:
    """Return the condition for the thirty days that end with this one."""
    first = timezone.make_aware(datetime.combine(on - timedelta(days=DAYS - 1), time.min))
    return Q(**{f"{moment}__gte": first, f"{moment}__lt": end_of(on)})


def _consultations(on: date, **counted: Q) -> dict[str, Any]:
    """Count the consultations of the thirty days, all of them and those that answer to a condition."""
    rows = Consultation.objects.filter(_within(on, "opened_at"), closed_at__isnull=False)
    return rows.aggregate(total=Count("pk"), **{name: Count("pk", filter=one) for name, one in counted.items()})


def _read(**which: str) -> Q:
    return Q(Exists(ScriptUse.objects.filter(consultation=OuterRef("pk"), **which)))


def _ended(on: date) -> Figure:
    told = _consultations(on, ended=_read(stage="ending"))
    return Figure(f"За 30 дней разговоров, завершённых по скрипту: {told['ended']}", told["ended"])


def _led(on: date) -> Figure:
    told = _consultations(on, led=_read())
    return Figure(f"За 30 дней по сценарию провели консультаций: {told['led']} из {told['total']}", told["led"])


def _missed(on: date) -> Figure:
    open_then = Q(settled_at__isnull=True) | Q(settled_at__gte=end_of(on))
    told = MissedCall.objects.filter(_within(on, "first_at")).aggregate(
        total=Count("pk"), inside=Count("pk", filter=Q(in_hours=True)), waiting=Count("pk", filter=open_then)
    )
    return Figure(
        f"За 30 дней пропущенных: {told['total']}, из них в рабочее время {told['inside']}; "
        f"на конец дня ждут звонка: {told['waiting']}",
        told["total"],
    )


def _asked(on: date) -> Figure:
    told = _consultations(
        on, answered=Q(asked="answered"), refused=Q(asked="refused"), kept=Q(asked="not_offered"), qr=Q(told_of_qr=True)
    )
    return Figure(
        f"За 30 дней на два вопроса ответили {told['answered']} из {told['total']}, отказались {told['refused']}, "
        f"не предложено {told['kept']}; о QR-коде сказано раз: {told['qr']}",
        told["answered"],
    )


def _ekc(on: date) -> Figure:
    number = _consultations(on, ekc=Q(line__ours=False))["ekc"]
    return Figure(f"За 30 дней консультаций ЕКЦ: {number}", number)


PROMISES: Final = (
    Promise(
        "R24.2.1",
        "24, подп. 2.1",
        does="На экране звонка есть скрипт завершения разговора; прочитанный шаг записывается в консультацию.",
        figure=_ended,
        list_name=_LIST,
        list_words="Консультации",
        query="figure=stage&value=ending&last={on}",
    ),
    Promise(
        "R27.1",
        "27.1",
        does="Приветствие, поиск по Базе знаний, ветки сценария и прощание — на одном экране; "
        "прочитанное записывается.",
        figure=_led,
        list_name=_LIST,
        list_words="Консультации",
        query="figure=with_script&last={on}",
    ),
    Promise(
        "R27.2",
        "27.2",
        does="Звонок, на который не ответил человек, становится задачей перезвонить: с номером, сроком, "
        "попытками и итогом. Пропущенные в рабочее время и вне его различаются.",
        figure=_missed,
        list_name=_LIST,
        list_words="Пропущенные",
        query="figure=duties&last={on}",
    ),
    Promise(
        "R27.3",
        "27.3",
        does="После консультации задают два вопроса дословно; ответ, отказ и «не предложено» с причиной записываются, "
        "о QR-коде говорят и отмечают. Новая формулировка — новая редакция анкеты.",
        figure=_asked,
        list_name=_LIST,
        list_words="Ответившие",
        query="figure=asked&value=answered&last={on}",
    ),
    Promise(
        "R27.4",
        "27.4",
        does="Часы ЕКЦ (номер 110) — по производственному календарю, «открыт до…» видно на экране звонка и на портале; "
        "консультации ЕКЦ приходят и считаются.",
        figure=_ekc,
        list_name=_LIST,
        list_words="Консультации ЕКЦ",
        query="figure=of_ekc&last={on}",
    ),
)
