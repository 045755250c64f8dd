"""Who is to come, when and to whom (п. 28); who waits for a time; what the applicant was told."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from otklik.appeals.models import Appeal, Need, Topic
from otklik.core import masking
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.people.models import Applicant
from otklik.reception.models.rooms import Room


class Source(models.TextChoices):
    """What the appointment is made from: a written or an oral request, п. 28; the last two come to the desk."""

    WRITTEN = "written", "письменное обращение"
    PORTAL = "portal", "заявка на портале"
    PHONE = "phone", "по телефону"
    IN_PERSON = "in_person", "обратился лично"
    WALK_IN = "walk_in", "пришёл без записи"


class Person(models.Model):
    """Who asks for a reception, as he said it; `applicant` once he is known."""

    class Notify(models.TextChoices):
        """How to tell him."""

        EMAIL = "email", "письмом на электронную почту"
        PHONE = "phone", "по телефону"
        NONE = "none", "не сообщать: знает сам"

    last_name = models.CharField("фамилия", max_length=150)
    first_name = models.CharField("имя", max_length=150, blank=True)
    patronymic = models.CharField("отчество", max_length=150, blank=True)
    phone = models.CharField("телефон", max_length=40, blank=True)
    email = models.EmailField("электронная почта", blank=True)
    notify = models.CharField("как сообщать", max_length=8, choices=Notify, default=Notify.PHONE)
    applicant = models.ForeignKey(
        Applicant, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="заявитель"
    )
    matter = models.TextField("с чем придёт", blank=True)
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="тема")
    need = models.ForeignKey(
        Need, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="типовая потребность"
    )
    needs_access = models.BooleanField("нужно доступное помещение", default=False)
    out_of_turn = models.CharField(
        "право на приём вне очереди", max_length=300, blank=True, help_text="Чем подтверждается (ст. 13 ч. 7)."
    )

    class Meta:
        abstract = True

    @property
    def full_name(self) -> str:
        """Return last name, first name, patronymic."""
        return " ".join(part for part in (self.last_name, self.first_name, self.patronymic) if part)

    @property
    def masked_name(self) -> str:
        """Return the name as a list may show it."""
        return masking.person(self.last_name, self.first_name, self.patronymic)


class AppointmentRequest(Person):
    """A wish to be received that has no time yet: written on the portal, or put on the waiting list by an employee."""

    class State(models.TextChoices):
        NEW = "new", "ждёт решения"
        WAITING = "waiting", "в листе ожидания"
        BOOKED = "booked", "записан"
        DECLINED = "declined", "отказано"
        WITHDRAWN = "withdrawn", "отозвана"

    source = models.CharField("откуда", max_length=10, choices=Source)
    state = models.CharField("состояние", max_length=10, choices=State, default=State.NEW)
    message = models.ForeignKey(
        IncomingMessage, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="письменное обращение"
    )
    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="к кому"
    )
    wanted_from = models.DateField("удобно с", null=True, blank=True)
    wanted_to = models.DateField("удобно по", null=True, blank=True)
    token_hash = models.CharField("хеш ссылки", max_length=64, unique=True)
    made_at = models.DateTimeField("когда", auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил"
    )
    decided_at = models.DateTimeField("когда решено", null=True, blank=True)
    reason = models.CharField("почему", max_length=300, blank=True)

    class Meta:
        verbose_name = "заявка на приём"
        verbose_name_plural = "заявки на приём"
        ordering = ["made_at"]
        indexes = [models.Index(fields=["state", "made_at"], name="reception_request_by_state")]

    def __str__(self) -> str:
        return f"заявка {self.pk}"


class Appointment(Person):
    """A person, an official, a time, a room and a seat. Moved, it keeps its row: `cells` say what it holds now."""

    class State(models.TextChoices):
        BOOKED = "booked", "записан"
        ARRIVED = "arrived", "пришёл"
        RECEIVED = "received", "на приёме"
        DONE = "done", "приём завершён"
        NO_CARD = "no_card", "приём не проводился"
        NO_SHOW = "no_show", "не пришёл"
        CANCELLED = "cancelled", "отменена"

    LIVE = (State.BOOKED, State.ARRIVED, State.RECEIVED)

    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="appointments", verbose_name="к кому"
    )
    room = models.ForeignKey(Room, models.PROTECT, related_name="appointments", verbose_name="помещение")
    seat = models.PositiveSmallIntegerField("место", default=1)
    starts_at = models.DateTimeField("начало")
    ends_at = models.DateTimeField("конец")
    state = models.CharField("состояние", max_length=10, choices=State, default=State.BOOKED)
    source = models.CharField("откуда", max_length=10, choices=Source)
    message = models.ForeignKey(
        IncomingMessage, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="письменное обращение"
    )
    request = models.OneToOneField(
        AppointmentRequest, models.PROTECT, null=True, blank=True, related_name="appointment", verbose_name="заявка"
    )
    appeal = models.ForeignKey(
        Appeal, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="обращение, по которому придёт"
    )
    token_hash = models.CharField("хеш ссылки", max_length=64, unique=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто записал")
    made_at = models.DateTimeField("когда записан", auto_now_add=True)
    confirmed_at = models.DateTimeField("заявитель подтвердил", null=True, blank=True)
    arrived_at = models.DateTimeField("пришёл", null=True, blank=True)
    kept_turn = models.DateTimeField(
        "очередь сохранена с", null=True, blank=True, help_text="Прежнее время, если его изменила приёмная."
    )
    to_move = models.CharField(
        "почему надо перенести", max_length=300, blank=True, help_text="День отменён, помещение закрыто."
    )
    ended_why = models.CharField("почему не состоялся", max_length=300, blank=True)
    outside_hours_why = models.CharField("почему записан вне рабочего времени", max_length=300, blank=True)
    moves = models.PositiveSmallIntegerField("сколько раз перенесена", default=0)
    version = models.PositiveIntegerField("версия", default=1)

    class Meta:
        verbose_name = "запись на приём"
        verbose_name_plural = "записи на приём"
        ordering = ["starts_at", "pk"]
        indexes = [
            models.Index(fields=["official", "starts_at"], name="appointment_of_official"),
            models.Index(fields=["starts_at", "state"], name="appointment_by_day"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="appointment_lasts"),
            models.CheckConstraint(
                condition=~Q(source=Source.WRITTEN) | Q(message__isnull=False) | Q(appeal__isnull=False),
                name="appointment_by_letter_names_it",
            ),
        ]

    def __str__(self) -> str:
        return f"запись {self.pk}"


class AppointmentMove(models.Model):
    """Another time given to an appointment: from when to when, by whom and why; without a name, by the applicant."""

    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="moved", verbose_name="запись")
    was = models.DateTimeField("было назначено на")
    to = models.DateTimeField("стало назначено на")
    why = models.CharField("почему", max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто перенёс"
    )
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "перенос записи"
        verbose_name_plural = "переносы записей"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.appointment}: {self.to:%d.%m.%Y %H:%M}"


class SlotCell(models.Model):
    """Five minutes of an official or of a seat of a room, held by one appointment: two cannot hold the same.

    `resource`: «official:7», «room:3:1» (room and seat). Rows go when the appointment is moved, cancelled, missed.
    """

    resource = models.CharField("чьё", max_length=40)
    cell = models.DateTimeField("с какой минуты")
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="cells", verbose_name="запись")

    class Meta:
        verbose_name = "занятые пять минут"
        verbose_name_plural = "занятые минуты"
        constraints = [models.UniqueConstraint("resource", "cell", name="one_appointment_at_a_time")]

    def __str__(self) -> str:
        return f"{self.resource} {self.cell:%d.%m.%Y %H:%M}"


class AppointmentNotice(models.Model):
    """What the applicant is to be told, once per kind and time; by telephone it is a task for the secretary."""

    class Kind(models.TextChoices):
        BOOKED = "booked", "записаны"
        REMINDER = "reminder", "напоминание"
        MOVED = "moved", "время изменено"
        CANCELLED = "cancelled", "приём отменён"
        TO_MOVE = "to_move", "нужно выбрать другое время"
        DECLINED = "declined", "в записи отказано"
        WAITING = "waiting", "внесены в лист ожидания"
        FREED = "freed", "освободилось время"

    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name="запись"
    )
    request = models.ForeignKey(
        AppointmentRequest, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name="заявка"
    )
    kind = models.CharField("о чём", max_length=10, choices=Kind)
    of_time = models.DateTimeField("о каком времени", null=True, blank=True)
    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="у кого время"
    )
    way = models.CharField("как", max_length=8, choices=Person.Notify)
    letter = models.ForeignKey(
        OutgoingMessage, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="письмо"
    )
    made_at = models.DateTimeField("когда поручено", auto_now_add=True)
    told_at = models.DateTimeField("сообщено", null=True, blank=True)
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сообщил"
    )
    result = models.CharField("чем кончилось", max_length=300, blank=True)

    class Meta:
        verbose_name = "извещение о приёме"
        verbose_name_plural = "извещения о приёме"
        ordering = ["made_at"]
        constraints = [
            models.UniqueConstraint("appointment", "kind", "of_time", name="appointment_told_once"),
            models.UniqueConstraint("request", "kind", "of_time", "official", name="request_told_once"),
            models.CheckConstraint(
                condition=Q(appointment__isnull=False) | Q(request__isnull=False), name="notice_of_something"
            ),
        ]
        indexes = [models.Index(fields=["told_at", "made_at"], name="reception_notice_waits")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.appointment_id or self.request_id}"
