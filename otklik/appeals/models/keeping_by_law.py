"""The working day on paper and by law: macros, points to tick, holds, acts of destruction, whole cases as files."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal, Topic
from otklik.core.models import Regime, RetentionRule, StoredFile
from otklik.people.models import Employee


class Macro(models.Model):
    """Several steps taken by one press, in the order of the work; `steps` are dictionaries with ids and words."""

    name = models.CharField("название", max_length=100)
    owner = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="чей")
    shared = models.BooleanField("показать всем сотрудникам", default=False)
    steps = models.JSONField("шаги", default=list)
    go_next = models.BooleanField("после — следующее обращение списка", default=False)
    ended_at = models.DateTimeField("убран", null=True, blank=True)

    class Meta:
        verbose_name = "макрос"
        verbose_name_plural = "макросы"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint("owner", "name", condition=Q(ended_at=None), name="macro_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Checklist(models.Model):
    """A named list of points for cases of a topic or a regime; empty means every one. It never stops a step."""

    name = models.CharField("название", max_length=100)
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="тема")
    regime = models.ForeignKey(
        Regime, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="режим рассмотрения"
    )
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "контрольный список"
        verbose_name_plural = "контрольные списки"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class ChecklistPoint(models.Model):
    """One point of a list; one that was dropped stays for the cases where it has been ticked."""

    checklist = models.ForeignKey(Checklist, models.CASCADE, related_name="points", verbose_name="контрольный список")
    text = models.CharField("что проверить", max_length=300)
    order = models.PositiveSmallIntegerField("порядок", default=1)
    dropped = models.BooleanField("убран", default=False)

    class Meta:
        verbose_name = "пункт контрольного списка"
        verbose_name_plural = "пункты контрольных списков"
        ordering = ["checklist", "order", "id"]
        constraints = [models.UniqueConstraint("checklist", "text", name="point_once")]

    def __str__(self) -> str:
        return self.text


class ChecklistTick(models.Model):
    """A point done on a case: who and when."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="ticks", verbose_name="обращение")
    point = models.ForeignKey(ChecklistPoint, models.PROTECT, related_name="+", verbose_name="пункт")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто отметил")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "отметка контрольного списка"
        verbose_name_plural = "отметки контрольных списков"
        constraints = [models.UniqueConstraint("appeal", "point", name="tick_once")]

    def __str__(self) -> str:
        return f"отметка {self.pk}"


class LegalHold(models.Model):
    """A case that must not be destroyed, whatever its term: a court, an inspection. Ends by its day or by a person."""

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="holds", verbose_name="обращение")
    reason = models.CharField("почему", max_length=300)
    until = models.DateField("до какого дня", null=True, blank=True)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто запретил")
    at = models.DateTimeField("когда", auto_now_add=True)
    lifted_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто снял запрет"
    )
    lifted_at = models.DateTimeField("когда снят", null=True, blank=True)

    class Meta:
        verbose_name = "запрет уничтожения"
        verbose_name_plural = "запреты уничтожения"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("appeal", condition=Q(lifted_at=None), name="one_hold_of_a_case"),
            models.CheckConstraint(condition=~Q(reason=""), name="hold_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"запрет {self.pk}"


class DestructionAct(models.Model):
    """A list of cases whose term is over: drawn up by one person, agreed by another, carried out by a worker."""

    class State(models.TextChoices):
        DRAWN = "drawn", "ждёт согласования"
        AGREED = "agreed", "согласован, исполняется"
        DONE = "done", "исполнен"
        DROPPED = "dropped", "отменён"

    state = models.CharField("состояние", max_length=8, choices=State, default=State.DRAWN)
    rule = models.ForeignKey(RetentionRule, models.PROTECT, related_name="+", verbose_name="срок хранения")
    basis = models.CharField("основание", max_length=400, help_text="Срок и статья, как они были в день акта.")
    drawn_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто составил")
    drawn_at = models.DateTimeField("когда составлен", auto_now_add=True)
    agreed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто согласовал"
    )
    agreed_at = models.DateTimeField("когда согласован", null=True, blank=True)
    commission = models.CharField("решение комиссии", max_length=200, blank=True, help_text="Номер и дата протокола.")
    done_at = models.DateTimeField("когда исполнен", null=True, blank=True)
    document = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="акт (PDF)"
    )
    dropped_why = models.CharField("почему отменён", max_length=300, blank=True)

    class Meta:
        verbose_name = "акт об уничтожении"
        verbose_name_plural = "акты об уничтожении"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=F("drawn_by")), name="act_agreed_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["agreed", "done"]) | Q(agreed_by__isnull=False, agreed_at__isnull=False),
                name="act_carried_out_only_agreed",
            ),
        ]

    def __str__(self) -> str:
        return f"акт № {self.pk}"


class DestructionItem(models.Model):
    """One case of an act. `digest` is of what was destroyed: names of files with their SHA-256."""

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт"
        DONE = "done", "уничтожено"
        KEPT = "kept", "оставлено"

    act = models.ForeignKey(DestructionAct, models.CASCADE, related_name="items", verbose_name="акт")
    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="destructions", verbose_name="обращение")
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    closed_on = models.DateField("закрыто")
    files = models.PositiveIntegerField("файлов", default=0)
    digest = models.CharField("отпечаток", max_length=64, blank=True)
    why = models.CharField("почему оставлено", max_length=300, blank=True)

    class Meta:
        verbose_name = "дело в акте об уничтожении"
        verbose_name_plural = "дела в актах об уничтожении"
        ordering = ["act", "id"]
        constraints = [
            models.UniqueConstraint("act", "appeal", name="case_once_in_an_act"),
            models.UniqueConstraint("appeal", condition=Q(state__in=["waiting", "done"]), name="case_in_one_act"),
        ]

    def __str__(self) -> str:
        return f"дело {self.appeal_id} в акте {self.act_id}"


class CaseFile(models.Model):
    """A whole case as one PDF that somebody asked for; a large one is made by a worker and kept for a day."""

    class State(models.TextChoices):
        WAITING = "waiting", "готовится"
        READY = "ready", "готово"
        FAILED = "failed", "не получилось"

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="case_files", verbose_name="обращение")
    asked_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто попросил")
    asked_at = models.DateTimeField("когда", auto_now_add=True)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    stored = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="файл")
    why = models.CharField("что помешало", max_length=300, blank=True)

    class Meta:
        verbose_name = "дело в PDF"
        verbose_name_plural = "дела в PDF"
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="case_files_waiting")]

    def __str__(self) -> str:
        return f"дело в PDF {self.pk}"
