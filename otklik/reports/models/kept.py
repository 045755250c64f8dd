"""Counts of appeals kept for figures: what each case adds, months added up, and which cases are to be counted anew."""

from __future__ import annotations

from django.db import models

from otklik.appeals.models import Appeal


class KeptCase(models.Model):
    """What one appeal adds to figures, as it was counted last; the months hold the sum of these, no more, no less.

    `marks` has a bit for each of `kept.BITS`. Ids are plain numbers, 0 for none: counts outlive what they count by.
    """

    appeal = models.OneToOneField(Appeal, models.CASCADE, primary_key=True, related_name="+", verbose_name="обращение")
    came_on = models.DateField("поступило")
    ended_on = models.DateField("закончено", null=True)
    unit = models.PositiveBigIntegerField("подразделение", default=0)
    executor = models.PositiveBigIntegerField("исполнитель", default=0)
    channel = models.CharField("канал", max_length=32)
    regime = models.CharField("режим", max_length=40)
    days = models.PositiveIntegerField("дней до ответа", null=True)
    rating = models.PositiveSmallIntegerField("оценка в ПОС", default=0)
    marks = models.PositiveIntegerField("признаки", default=0)

    class Meta:
        verbose_name = "учтённое обращение"
        verbose_name_plural = "учтённые обращения"
        indexes = [
            models.Index(fields=["came_on", "unit"], name="kept_case_came"),
            models.Index(fields=["ended_on", "unit"], name="kept_case_ended"),
        ]

    def __str__(self) -> str:
        return f"учтено {self.pk}"


class KeptQuestion(models.Model):
    """A topic with a need that a kept case asks about."""

    case = models.ForeignKey(KeptCase, models.CASCADE, related_name="questions", verbose_name="учтённое обращение")
    topic = models.PositiveBigIntegerField("тема")
    need = models.PositiveBigIntegerField("типовая потребность")

    class Meta:
        verbose_name = "учтённый вопрос"
        verbose_name_plural = "учтённые вопросы"
        indexes = [models.Index(fields=["topic", "case"], name="kept_question_topic")]

    def __str__(self) -> str:
        return f"учтённый вопрос {self.pk}"


class KeptMonth(models.Model):
    """Cases of one month added up. `marks`: bits → how many; `days`: days to an answer → how many."""

    class Level(models.TextChoices):
        """What a row is apart by, besides the month and the event."""

        EVERY = "every", "ничего больше"
        ALL = "all", "подразделение, канал, режим"
        TOPIC = "topic", "и тема"
        TOPICS = "topics", "только тема"
        PAIR = "pair", "подразделение, канал, тема, потребность"

    key = models.CharField("ключ", max_length=160, primary_key=True)
    level = models.CharField("разрез", max_length=6, choices=Level)
    event = models.CharField("событие", max_length=5)
    month = models.DateField("месяц")
    unit = models.PositiveBigIntegerField("подразделение", default=0)
    channel = models.CharField("канал", max_length=32, blank=True)
    regime = models.CharField("режим", max_length=40, blank=True)
    topic = models.PositiveBigIntegerField("тема", default=0)
    need = models.PositiveBigIntegerField("типовая потребность", default=0)
    number = models.IntegerField("сколько", default=0)
    marks = models.JSONField("признаки", default=dict)
    days = models.JSONField("сроки", default=dict)
    rated = models.IntegerField("оценок", default=0)
    rating = models.IntegerField("сумма оценок", default=0)

    class Meta:
        verbose_name = "учтённый месяц"
        verbose_name_plural = "учтённые месяцы"
        indexes = [models.Index(fields=["level", "topic", "month"], name="kept_month_asked")]

    def __str__(self) -> str:
        return self.key


class KeptTouched(models.Model):
    """An appeal something happened to: to be counted anew. A row each time; what comes while one counts stays."""

    appeal = models.PositiveBigIntegerField("обращение")

    class Meta:
        verbose_name = "обращение к пересчёту"
        verbose_name_plural = "обращения к пересчёту"

    def __str__(self) -> str:
        return f"к пересчёту {self.appeal}"


class KeptState(models.Model):
    """How far counting has come; its one row is the lock of whoever counts."""

    filled_to = models.PositiveBigIntegerField("посчитано до", default=0)
    repeated_days = models.PositiveIntegerField("повторное: дней", default=0)
    layout = models.PositiveIntegerField("устройство признаков", default=0)
    fresh_at = models.DateTimeField("посчитано на", null=True)

    class Meta:
        verbose_name = "состояние учёта показателей"
        verbose_name_plural = "состояния учёта показателей"

    def __str__(self) -> str:
        return f"до {self.filled_to}"
