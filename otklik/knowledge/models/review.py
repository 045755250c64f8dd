"""The quarterly review (п. 41): what each unit owes, what was decided about each material, by whom and when."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.knowledge.models.law import LawChange
from otklik.knowledge.models.material import Material
from otklik.knowledge.models.structure import Section
from otklik.people.models import Employee, Unit

ROMAN = ("I", "II", "III", "IV")


class QuarterOpening(models.Model):
    """A quarter being opened by the clock: how many materials are to be laid out, and how many already are."""

    year = models.PositiveSmallIntegerField("год")
    quarter = models.PositiveSmallIntegerField("квартал")
    expected = models.PositiveIntegerField("материалов", default=0)
    laid_out = models.PositiveIntegerField("разложено", default=0)
    begun_at = models.DateTimeField("начато", auto_now_add=True)
    ended_at = models.DateTimeField("окончено", null=True)

    class Meta:
        verbose_name = "открытие квартала"
        verbose_name_plural = "открытия кварталов"
        constraints = [models.UniqueConstraint("year", "quarter", name="quarter_opened_once")]

    def __str__(self) -> str:
        return f"{ROMAN[self.quarter - 1]} квартал {self.year}"


class ReviewDuty(models.Model):
    """One unit's duty to check its part of the Knowledge Base in one quarter."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="подразделение")
    year = models.PositiveSmallIntegerField("год")
    quarter = models.PositiveSmallIntegerField("квартал")
    opened_on = models.DateField("открыта")
    due_on = models.DateField("срок", help_text="Последний рабочий день квартала.")
    has_all = models.BooleanField("всё есть", null=True, help_text="Пусто — на вопрос «чего не хватает» не ответили.")
    missing = models.TextField("чего не хватает", blank=True)
    closed_at = models.DateTimeField("закрыта", null=True)
    closed_by = models.ForeignKey(
        Employee,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="кто закрыл",
        help_text="Пусто — закрылась сама: разделы переданы другому подразделению.",
    )

    class Meta:
        verbose_name = "обязанность актуализации"
        verbose_name_plural = "обязанности актуализации"
        ordering = ["-year", "-quarter", "unit"]
        constraints = [
            models.UniqueConstraint("unit", "year", "quarter", name="review_duty_once"),
            models.CheckConstraint(condition=Q(quarter__gte=1, quarter__lte=4), name="review_duty_quarter"),
            models.CheckConstraint(condition=Q(due_on__gte=F("opened_on")), name="review_duty_dates"),
            models.CheckConstraint(
                condition=Q(has_all__isnull=True, missing="") | Q(has_all=True, missing="")
                | Q(has_all__isnull=False, has_all=False) & ~Q(missing=""),
                name="review_duty_answer",
            ),
            models.CheckConstraint(
                condition=Q(closed_by__isnull=True) | Q(closed_at__isnull=False, has_all__isnull=False),
                name="review_duty_closed_with_answer",
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["due_on"], condition=Q(closed_at=None), name="review_duty_open")]

    def __str__(self) -> str:
        return f"{self.unit}, {self.period}"

    @property
    def period(self) -> str:
        """«III квартал 2026»."""
        return f"{ROMAN[self.quarter - 1]} квартал {self.year}"


class ReviewItem(models.Model):
    """One material to be checked, and what was decided: the history of verification, apart from that of edits.

    It outlives the material: `title` is what it was called. A material waits at most once for each cause.
    """

    class Cause(models.TextChoices):
        QUARTER = "quarter", "проверка квартала"
        LAW = "law", "изменилось основание"
        BROUGHT = "brought", "проверено там, откуда перенесено"

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт проверки"
        CONFIRMED = "confirmed", "проверено, изменений не требуется"
        CHANGED = "changed", "изменено"
        ARCHIVED = "archived", "снято с публикации"
        CARRIED = "carried", "не проверено, перенесено в следующий квартал"

    material = models.ForeignKey(
        Material, models.SET_NULL, null=True, related_name="reviews", verbose_name="материал", db_index=False
    )
    title = models.CharField("название", max_length=255)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="кто проверяет", db_index=False)
    duty = models.ForeignKey(
        ReviewDuty, models.PROTECT, null=True, related_name="items", verbose_name="обязанность", db_index=False
    )
    cause = models.CharField("почему", max_length=8, choices=Cause, default=Cause.QUARTER)
    why = models.TextField("что случилось", blank=True)
    change = models.ForeignKey(
        LawChange, models.PROTECT, null=True, related_name="items", verbose_name="изменение акта", db_index=False
    )
    due_on = models.DateField("срок", help_text="У перенесённого — прежний: срок не отодвигается.")
    created_at = models.DateTimeField("появилось", auto_now_add=True)
    state = models.CharField("состояние", max_length=10, choices=State, default=State.WAITING)
    decided_at = models.DateTimeField("решено", null=True)
    decided_by = models.ForeignKey(Employee, models.PROTECT, null=True, related_name="+", verbose_name="кто решил")
    note = models.TextField("примечание", blank=True)
    acts = models.TextField("какие акты проверены", blank=True)
    revision = models.PositiveBigIntegerField("версия", null=True, help_text="Та, о которой решено.")

    class Meta:
        verbose_name = "проверка материала"
        verbose_name_plural = "проверки материалов"
        constraints = [
            models.UniqueConstraint("duty", "material", condition=Q(cause="quarter"), name="review_item_once"),
            models.UniqueConstraint(
                "material", condition=Q(cause="quarter", state="waiting"), name="review_item_waits_once"
            ),
            models.UniqueConstraint("change", "material", name="review_item_once_for_a_change"),
            models.CheckConstraint(
                condition=Q(cause="quarter", duty__isnull=False, change__isnull=True)
                | Q(cause="law", change__isnull=False) & ~Q(why="")
                | Q(cause="brought", duty__isnull=True, change__isnull=True, state__in=["confirmed", "changed"]),
                name="review_item_of_a_duty",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True, decided_by__isnull=True, revision__isnull=True)
                | ~Q(state="waiting") & Q(decided_at__isnull=False),
                name="review_item_decided",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed")
                | Q(cause="brought")
                | Q(decided_by__isnull=False, revision__isnull=False),
                name="review_item_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="carried") | Q(decided_by__isnull=True), name="review_item_carried_by_nobody"
            ),
        ]
        indexes = [
            models.Index(fields=["duty", "state", "id"], name="review_item_of_duty"),
            models.Index(fields=["material", "-decided_at"], name="review_item_history"),
            models.Index(fields=["unit", "cause"], condition=Q(state="waiting"), name="review_item_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.get_state_display()}"


class ReviewLook(models.Model):
    """A reviewer has opened the material: nobody confirms what he has not seen, nor an older version of it."""

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="looks", verbose_name="проверка")
    by = models.ForeignKey(Employee, models.CASCADE, related_name="+", verbose_name="кто")
    revision = models.PositiveBigIntegerField("версия")
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "просмотр при проверке"
        verbose_name_plural = "просмотры при проверке"
        constraints = [models.UniqueConstraint("item", "by", name="review_look_once")]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.by_id}"


class EmptySection(models.Model):
    """What a unit answered about a section of its own that holds nothing to read."""

    duty = models.ForeignKey(ReviewDuty, models.CASCADE, related_name="empty_sections", verbose_name="обязанность")
    section = models.ForeignKey(Section, models.SET_NULL, null=True, related_name="+", verbose_name="раздел")
    title = models.CharField("название", max_length=255)
    answer = models.TextField("почему пусто и когда заполнят")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто ответил")
    at = models.DateTimeField("когда", auto_now=True)

    class Meta:
        verbose_name = "ответ о пустом разделе"
        verbose_name_plural = "ответы о пустых разделах"
        constraints = [
            models.UniqueConstraint("duty", "section", name="empty_section_once"),
            models.CheckConstraint(condition=~Q(answer=""), name="empty_section_answered"),
        ]

    def __str__(self) -> str:
        return self.title
