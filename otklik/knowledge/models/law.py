"""Changes of the law (п. 41): which act was amended or repealed, and the legal unit's look of every week."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from wagtail.admin.panels import FieldPanel, FieldRowPanel
from wagtail.snippets.models import register_snippet

from otklik.knowledge.models.kinds import LegalAct
from otklik.people.models import Employee


@register_snippet
class CheckTerm(models.Model):
    """In how many working days what stands on a changed act is to be checked; the row of the day counts."""

    days = models.PositiveSmallIntegerField("рабочих дней")
    basis = models.CharField("основание", max_length=300)
    valid_from = models.DateField("действует с", unique=True)
    valid_to = models.DateField("действует по", null=True, blank=True, help_text="Пусто — действует сейчас.")

    panels = [
        FieldPanel("days"),
        FieldPanel("basis"),
        FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")]),
    ]

    class Meta:
        verbose_name = "срок проверки после изменения акта"
        verbose_name_plural = "сроки проверки после изменения акта"
        ordering = ["-valid_from"]
        constraints = [models.CheckConstraint(condition=Q(days__gte=1, days__lte=60), name="check_term_days")]

    def __str__(self) -> str:
        return f"рабочих дней: {self.days}"

    def clean(self) -> None:
        """Refuse an end before the beginning, and a term nobody could keep or would remember."""
        if self.days is not None and not 1 <= self.days <= 60:
            raise ValidationError({"days": "Укажите от 1 до 60 рабочих дней."})
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": "Дата окончания раньше даты начала. Исправьте одну из них."})


class LawWeek(models.Model):
    """The duty of one week: look what has changed in the law of the country and of the region."""

    begins_on = models.DateField("неделя с", unique=True, help_text="Понедельник.")
    due_on = models.DateField("срок", help_text="Последний рабочий день недели.")
    opened_at = models.DateTimeField("открыта", auto_now_add=True)
    nothing = models.BooleanField("изменений нет", null=True, help_text="Пусто — неделя не закрыта.")
    closed_at = models.DateTimeField("закрыта", null=True)
    closed_by = models.ForeignKey(Employee, models.PROTECT, null=True, related_name="+", verbose_name="кто закрыл")

    class Meta:
        verbose_name = "неделя изменений законодательства"
        verbose_name_plural = "недели изменений законодательства"
        ordering = ["-begins_on"]
        constraints = [
            models.CheckConstraint(condition=Q(due_on__gte=F("begins_on")), name="law_week_dates"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, nothing__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False, nothing__isnull=False),
                name="law_week_closed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"неделя с {self.begins_on:%d.%m.%Y}"


class LawChange(models.Model):
    """An act was amended or repealed: what changed, who entered it. `named`: the act as the source calls it."""

    class Kind(models.TextChoices):
        AMENDED = "amended", "изменён"
        REPEALED = "repealed", "утратил силу"

    act = models.ForeignKey(
        LegalAct,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name="акт",
        help_text="Пусто — в Базе знаний такого акта нет.",
    )
    named = models.CharField("реквизиты акта", max_length=300)
    kind = models.CharField("что с ним", max_length=8, choices=Kind, default=Kind.AMENDED)
    happened_on = models.DateField("с какого дня")
    what = models.TextField("что изменилось", max_length=2000)
    week = models.ForeignKey(LawWeek, models.PROTECT, null=True, related_name="changes", verbose_name="неделя")
    entered_at = models.DateTimeField("внесено", auto_now_add=True)
    entered_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")

    class Meta:
        verbose_name = "изменение акта"
        verbose_name_plural = "изменения актов"
        ordering = ["-entered_at", "-pk"]
        constraints = [
            # The same list taken twice, or two who enter the same news: once is enough.
            models.UniqueConstraint("named", "happened_on", "kind", name="law_change_once"),
            models.CheckConstraint(condition=~Q(what="") & ~Q(named=""), name="law_change_says_what"),
        ]

    def __str__(self) -> str:
        return f"{self.named}: {self.get_kind_display()} {self.happened_on:%d.%m.%Y}"
