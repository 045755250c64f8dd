"""How long finding takes, and whether what was found has helped. Of citizens nothing is kept but a random mark."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from wagtail.models import Page

from otklik.people.models import Unit


class Audience(models.TextChoices):
    """Whose searches are counted together: those at work and those on the site are never mixed."""

    STAFF = "staff", "сотрудники"
    PUBLIC = "public", "клиенты на сайте"


class SearchSession(models.Model):
    """One search: from the first key to the material it ended with, however many times the words were changed.

    A search nobody touches for half an hour has ended by itself: `knowledge.finding` says how each one ended.
    """

    key = models.CharField("ключ", max_length=32, unique=True, help_text="Случайный: его придумывает браузер.")
    audience = models.CharField("кто искал", max_length=6, choices=Audience)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто")
    unit = models.ForeignKey(
        Unit, models.SET_NULL, null=True, related_name="+", verbose_name="подразделение в тот день"
    )
    reader = models.CharField("случайная метка клиента", max_length=64, blank=True)
    query = models.CharField("последние слова", max_length=200, blank=True, help_text="Без телефонов, почты и номеров.")
    searches = models.PositiveIntegerField("сколько раз искали", default=1)
    found = models.PositiveIntegerField("нашлось")
    shown = models.JSONField("что показано", default=list)
    began_at = models.DateTimeField("первая буква")
    last_at = models.DateTimeField("последнее действие")
    page = models.ForeignKey(Page, models.SET_NULL, null=True, related_name="+", verbose_name="открытый материал")
    rank = models.PositiveSmallIntegerField("место в списке", null=True)
    opened_ms = models.PositiveBigIntegerField("до открытия, мс", null=True)
    used_ms = models.PositiveBigIntegerField("до применения, мс", null=True)
    cleared = models.BooleanField("убран из недавних", default=False, help_text="Тем, кто искал. В показателях есть.")

    class Meta:
        verbose_name = "поиск материала"
        verbose_name_plural = "поиски материалов"
        constraints = [
            models.CheckConstraint(
                condition=Q(audience=Audience.STAFF, reader="")
                | (Q(audience=Audience.PUBLIC, by=None, unit=None) & ~Q(reader="")),
                name="search_of_a_citizen_names_nobody",
            ),
            models.CheckConstraint(
                condition=Q(used_ms=None) | Q(opened_ms__isnull=False, used_ms__gte=models.F("opened_ms")),
                name="search_used_after_found",
            ),
        ]
        indexes = [
            models.Index(fields=["audience", "began_at"], name="searches_of_month"),
            models.Index(fields=["by", "-last_at"], name="searches_of_employee", condition=Q(audience="staff")),
            models.Index(fields=["reader", "-last_at"], name="searches_of_citizen", condition=Q(audience="public")),
        ]

    def __str__(self) -> str:
        return f"{self.get_audience_display()}: {self.began_at:%d.%m.%Y %H:%M}"


class Prompted(models.Model):
    """One visit to the form of the site in which answers were offered while one wrote; nothing of him or his words.

    Who opened an answer and did not send has found it without writing: `knowledge.deflection` counts.
    """

    visit = models.CharField("посещение", max_length=64, unique=True, help_text="След одноразового номера формы.")
    shown_at = models.DateTimeField("впервые предложено")
    last_at = models.DateTimeField("последнее действие")
    opened_at = models.DateTimeField("открыл ответ", null=True)
    sent_at = models.DateTimeField("отправил сообщение", null=True)

    class Meta:
        verbose_name = "подсказка пишущему"
        verbose_name_plural = "подсказки пишущим"
        indexes = [models.Index(fields=["shown_at"], name="prompted_of_month")]

    def __str__(self) -> str:
        return f"{self.shown_at:%d.%m.%Y %H:%M}"


class Baseline(models.Model):
    """How long finding took before: a value somebody measured or knew, entered by hand with its source."""

    audience = models.CharField("кто искал", max_length=6, choices=Audience)
    seconds = models.PositiveIntegerField("секунд на поиск")
    measured_on = models.DateField("когда измерено")
    source = models.CharField("откуда известно", max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесено", auto_now_add=True)

    class Meta:
        verbose_name = "исходное время поиска"
        verbose_name_plural = "исходное время поиска"

    def __str__(self) -> str:
        return f"{self.get_audience_display()}: {self.seconds} с"


class ReadingDay(models.Model):
    """How often a material was opened and read on one day, by whichever way it was come to; nobody is named."""

    page = models.ForeignKey(Page, models.CASCADE, related_name="+", verbose_name="материал")
    audience = models.CharField("кто читал", max_length=6, choices=Audience)
    on = models.DateField("день")
    times = models.PositiveIntegerField("сколько раз", default=0)

    class Meta:
        verbose_name = "прочтения материала за день"
        verbose_name_plural = "прочтения материалов по дням"
        constraints = [models.UniqueConstraint("page", "on", "audience", name="readings_of_a_day")]

    def __str__(self) -> str:
        return f"{self.get_audience_display()}, {self.on:%d.%m.%Y}: {self.times}"


class Vote(models.Model):
    """What one reader says of one version of a material: it helped, or why it did not and what became of that."""

    class Reason(models.TextChoices):
        NO_ANSWER = "no_answer", "не нашёл ответа"
        UNCLEAR = "unclear", "непонятно"
        OUTDATED = "outdated", "устарело"
        MISTAKE = "mistake", "ошибка"
        OTHER = "other", "другое"

    class State(models.TextChoices):
        NEW = "new", "новый"
        TAKEN = "taken", "в работе"
        CLOSED = "closed", "закрыт"

    page = models.ForeignKey(Page, models.CASCADE, related_name="+", verbose_name="материал")
    revision = models.PositiveBigIntegerField("версия")
    helped = models.BooleanField("помогло")
    reason = models.CharField("почему не помогло", max_length=10, choices=Reason, blank=True)
    note = models.CharField("подробнее", max_length=1000, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name="кто",
        help_text="Пусто — клиент: о нём ничего не хранится.",
    )
    reader = models.CharField("случайная метка клиента", max_length=64, blank=True)
    at = models.DateTimeField("когда", auto_now_add=True)
    state = models.CharField("состояние", max_length=6, choices=State, default=State.NEW)
    handler = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто разбирает"
    )
    outcome = models.CharField("что сделано", max_length=300, blank=True)

    class Meta:
        verbose_name = "отзыв о материале"
        verbose_name_plural = "отзывы о материалах"
        constraints = [
            models.UniqueConstraint("page", "revision", "by", name="vote_once_by_employee"),
            models.UniqueConstraint("page", "revision", "reader", condition=~Q(reader=""), name="vote_once_by_citizen"),
            models.CheckConstraint(
                condition=Q(helped=True, reason="", state="closed") | (Q(helped=False) & ~Q(reason="")),
                name="vote_against_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["page", "helped"], name="votes_of_material"),
            models.Index(fields=["state", "-at"], name="votes_against", condition=Q(helped=False)),
        ]

    def __str__(self) -> str:
        return "помогло" if self.helped else f"не помогло: {self.get_reason_display()}"
