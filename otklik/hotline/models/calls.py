"""What the exchange tells, call by call; a call nobody answered is a duty until it has an outcome (п. 27.2)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from otklik.hotline.models.lines import Line


class CallEvent(models.Model):
    """One thing the exchange told of a call, kept once and never changed: calls can be counted anew from these rows."""

    class Kind(models.TextChoices):
        ENTERED = "entered", "поступил"
        ROBOT = "robot", "ответил робот"
        RINGING = "ringing", "звонит консультанту"
        NOT_TAKEN = "not_taken", "консультант не взял"
        CONNECTED = "connected", "соединён"
        HELD = "held", "удержан"
        RESUMED = "resumed", "снят с удержания"
        TRANSFERRED = "transferred", "переведён"
        COMPLETED = "completed", "разговор окончен"
        ABANDONED = "abandoned", "не дождался"
        TIMED_OUT = "timed_out", "вышло время ожидания"
        ENDED = "ended", "звонок окончен"

    class Source(models.TextChoices):
        WEBHOOK = "webhook", "сообщение станции"
        AMI = "ami", "события станции"
        QUEUE_LOG = "queue_log", "журнал очереди"
        CDR = "cdr", "учёт станции"
        HAND = "hand", "вручную"
        OURS = "ours", "Отклик"  # closed by us: the exchange never told of its end

    source = models.CharField("откуда", max_length=10, choices=Source)
    key = models.CharField("след", max_length=64, help_text="Хеш того, что сказано: повтор узнаётся по нему.")
    uid = models.CharField("имя звонка на станции", max_length=120, db_index=True)
    kind = models.CharField("что", max_length=12, choices=Kind)
    at = models.DateTimeField("когда по часам станции")
    facts = models.JSONField("сведения", default=dict)
    received_at = models.DateTimeField("получено", auto_now_add=True)

    class Meta:
        verbose_name = "событие станции"
        verbose_name_plural = "события станции"
        constraints = [models.UniqueConstraint("source", "key", name="call_event_once")]
        indexes = [models.Index(fields=["received_at"], name="call_events_received")]

    def __str__(self) -> str:
        return f"{self.uid}: {self.kind}"


class Call(models.Model):
    """A call: what all events of it come to. Missed: nobody human has answered, whatever the robot did."""

    class Direction(models.TextChoices):
        IN = "in", "входящий"
        OUT = "out", "исходящий"

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт ответа"
        TALKING = "talking", "идёт разговор"
        ANSWERED = "answered", "отвечен"
        MISSED = "missed", "пропущен"

    uid = models.CharField("имя звонка на станции", max_length=120, unique=True)
    source = models.CharField("откуда", max_length=10, choices=CallEvent.Source)
    direction = models.CharField("направление", max_length=3, choices=Direction, default=Direction.IN)
    line = models.ForeignKey(
        Line, models.PROTECT, null=True, related_name="+", verbose_name="линия", help_text="Пусто — линия неизвестна."
    )
    dialled = models.CharField("куда звонили", max_length=60, blank=True, help_text="Как назвала станция.")
    number = models.CharField("номер", max_length=40, blank=True, help_text="Пусто — скрыт.")
    number_key = models.CharField("номер для сравнения", max_length=40, blank=True, db_index=True, editable=False)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    in_hours = models.BooleanField("в часы работы линии", default=True)
    came_at = models.DateTimeField("поступил")
    answered_at = models.DateTimeField("отвечен", null=True, blank=True)
    ended_at = models.DateTimeField("окончен", null=True, blank=True)
    waited = models.PositiveIntegerField("ждал, с", default=0)
    talked = models.PositiveIntegerField("говорили, с", default=0)
    held = models.PositiveIntegerField("на удержании, с", default=0)
    position = models.PositiveSmallIntegerField("место в очереди, когда ушёл", null=True, blank=True)
    by_robot = models.BooleanField("отвечал робот", default=False)
    rings = models.JSONField("кому звонил", default=list, help_text="Внутренние номера, пока ждал ответа.")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="кто ответил"
    )
    consultation = models.ForeignKey(
        "hotline.Consultation",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="calls",
        verbose_name="консультация",
        help_text="Сорвался и перезвонил — одна консультация.",
    )
    missed = models.ForeignKey(
        "hotline.MissedCall",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="calls",
        verbose_name="запись о пропущенном",
    )

    class Meta:
        verbose_name = "звонок"
        verbose_name_plural = "звонки"
        ordering = ["-came_at", "-id"]
        indexes = [
            models.Index(fields=["line", "came_at"], name="calls_of_line"),
            models.Index(fields=["came_at"], name="calls_in_time"),
            models.Index(fields=["came_at"], name="calls_going_on", condition=Q(state__in=["waiting", "talking"])),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="missed") | Q(answered_at=None), name="missed_call_nobody_answered"
            )
        ]

    def __str__(self) -> str:
        return f"звонок {self.pk}"  # never a number: this lands in logs


class MissedCall(models.Model):
    """The duty to call somebody back: repeated attempts of one number on one line are one row until it is settled."""

    class Outcome(models.TextChoices):
        OPEN = "", "ждёт"
        CALLED_BACK = "called_back", "перезвонили"
        REACHED_US = "reached_us", "дозвонился сам"
        UNREACHABLE = "unreachable", "недоступен"
        DUPLICATE = "duplicate", "повтор"
        WRONG_NUMBER = "wrong_number", "ошибся номером"
        WITHHELD = "withheld", "номер скрыт, перезвонить нельзя"

    line = models.ForeignKey(Line, models.PROTECT, null=True, related_name="+", verbose_name="линия")
    number = models.CharField("номер", max_length=40, blank=True)
    number_key = models.CharField("номер для сравнения", max_length=40, blank=True, db_index=True, editable=False)
    first_at = models.DateTimeField("впервые")
    last_at = models.DateTimeField("в последний раз")
    attempts = models.PositiveIntegerField("звонил раз", default=1)
    longest_wait = models.PositiveIntegerField("дольше всего ждал, с", default=0)
    position = models.PositiveSmallIntegerField("место в очереди, когда ушёл", null=True, blank=True)
    in_hours = models.BooleanField("в часы работы линии", help_text="Хотя бы раз.")
    due_at = models.DateTimeField("перезвонить до")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="кто взял"
    )
    taken_at = models.DateTimeField("когда взял", null=True, blank=True)
    outcome = models.CharField("итог", max_length=12, choices=Outcome, blank=True, default=Outcome.OPEN)
    settled_at = models.DateTimeField("когда решено", null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="кто решил",
        help_text="Пусто — сама система: дозвонился сам.",
    )
    reached_by = models.ForeignKey(
        Call,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="settles",
        db_constraint=False,  # the database would hold that call's row too, and its own fold holds it already
        verbose_name="звонок, на который ответили",
        help_text="Им решено «дозвонился сам»; окажется, что не ответили, — запись откроется снова.",
    )
    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="duplicates", verbose_name="повтор чего"
    )
    note = models.CharField("примечание", max_length=500, blank=True)

    class Meta:
        verbose_name = "пропущенный звонок"
        verbose_name_plural = "пропущенные звонки"
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(fields=["due_at"], name="missed_calls_open", condition=Q(outcome="")),
            models.Index(fields=["line", "first_at"], name="missed_calls_of_line"),
        ]
        constraints = [
            # Two workers that fold calls of one number at once make one duty.
            models.UniqueConstraint(
                "line",
                "number_key",
                condition=Q(outcome="") & ~Q(number_key=""),
                name="missed_call_one_open_of_a_number",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", settled_at=None) | (~Q(outcome="") & Q(settled_at__isnull=False)),
                name="missed_call_settled_with_an_outcome",
            ),
            models.UniqueConstraint(
                "number_key",
                condition=Q(outcome="", line=None) & ~Q(number_key=""),
                name="missed_call_one_open_of_no_line",
            ),
            # Only where there is nobody to call may it be settled so; and what repeats another, says which.
            models.CheckConstraint(condition=~Q(outcome="withheld") | Q(number=""), name="missed_call_withheld"),
            models.CheckConstraint(
                condition=~Q(outcome="duplicate") | Q(duplicate_of__isnull=False), name="missed_call_duplicate_of_one"
            ),
        ]

    def __str__(self) -> str:
        return f"пропущенный звонок {self.pk}"


class ReturnCall(models.Model):
    """One attempt to call back: because of a missed call or of a promise."""

    class Result(models.TextChoices):
        TALKED = "talked", "поговорили"
        NO_ANSWER = "no_answer", "не ответил"
        BUSY = "busy", "занято"
        NOT_THE_ONE = "not_the_one", "ответил другой человек"

    missed = models.ForeignKey(
        MissedCall, models.CASCADE, null=True, blank=True, related_name="returns", verbose_name="пропущенный звонок"
    )
    promise = models.ForeignKey(
        "hotline.Promise", models.CASCADE, null=True, blank=True, related_name="returns", verbose_name="обещание"
    )
    at = models.DateTimeField("когда")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="кто звонил",
        help_text="Пусто — станция не сказала.",
    )
    result = models.CharField("что вышло", max_length=12, choices=Result)
    told = models.BooleanField(
        "сказал сотрудник", default=True, help_text="Иначе так рассудила станция: ей отвечает и автоответчик."
    )
    call = models.ForeignKey(
        Call, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="звонок станции"
    )

    class Meta:
        verbose_name = "попытка перезвонить"
        verbose_name_plural = "попытки перезвонить"
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(missed__isnull=True, promise__isnull=False) | Q(missed__isnull=False, promise__isnull=True),
                name="return_call_of_one_duty",
            ),
            models.UniqueConstraint("missed", "call", name="return_call_of_missed_once"),
            models.UniqueConstraint("promise", "call", name="return_call_of_promise_once"),
        ]

    def __str__(self) -> str:
        return f"попытка {self.pk}"
