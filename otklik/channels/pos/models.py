"""What the channel of ПОС itself must remember: imports, the words of its dictionaries, where each message stands."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingMessage


class PosImport(models.Model):
    """One export on its way in: read, shown, and once it is agreed, written portion by portion."""

    class State(models.TextChoices):
        READ = "read", "прочитана, ждёт решения"
        WRITING = "writing", "записывается"
        DONE = "done", "записана"
        FAILED = "failed", "не записана"

    class Source(models.TextChoices):
        UPLOAD = "upload", "загрузил сотрудник"
        FOLDER = "folder", "взята из папки"

    source = models.CharField("откуда", max_length=6, choices=Source)
    name = models.CharField("файл", max_length=200)
    sheet = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="выгрузка")
    rows = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="прочитанные строки"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто загрузил"
    )
    state = models.CharField("состояние", max_length=8, choices=State)
    created_at = models.DateTimeField("получена", auto_now_add=True)
    finished_at = models.DateTimeField("закончена", null=True, blank=True)
    total = models.PositiveIntegerField("строк", default=0)
    position = models.PositiveIntegerField("пройдено", default=0)
    new = models.PositiveIntegerField("новых", default=0)
    changed = models.PositiveIntegerField("изменённых", default=0)
    same = models.PositiveIntegerField("без изменений", default=0)
    skipped = models.PositiveIntegerField("пропущено строк", default=0)
    problems = models.JSONField("пропущенные строки и замечания", default=list, blank=True)
    error = models.CharField("почему не записана", max_length=500, blank=True)

    class Meta:
        verbose_name = "выгрузка ПОС"
        verbose_name_plural = "выгрузки ПОС"
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=models.Q(state="writing"), name="pos_import_writing")]

    def __str__(self) -> str:
        return f"выгрузка ПОС {self.pk}"


class PosTerm(models.Model):
    """A word of ПОС: a status, a stage, a decision, a theme. Exports bring new ones, a clerk says what they mean."""

    class Kind(models.TextChoices):
        STAGE = "stage", "стадия"
        STATUS = "status", "статус"
        DECISION = "decision", "тип решения"
        THEME = "theme", "тематика"
        ROLE = "role", "роль"

    class Meaning(models.TextChoices):
        NONE = "", "не влияет"
        WORK = "work", "сообщение в работе"
        ANSWERED = "answered", "ответ отправлен заявителю"
        POSTPONED = "postponed", "решение отложено"
        CLOSED = "closed", "закрыто без ответа"
        SOLVED = "solved", "решено"
        EXPLAINED = "explained", "разъяснено"
        UNSOLVED = "unsolved", "не решено"
        PASSED = "passed", "переадресовано"

    kind = models.CharField("вид", max_length=8, choices=Kind)
    value = models.CharField("как в ПОС", max_length=500)
    meaning = models.CharField("что значит", max_length=9, choices=Meaning, blank=True, default=Meaning.NONE)
    matched = models.BooleanField("сопоставлено", default=False, help_text="Иначе: новое, требует сопоставления.")
    first_seen_at = models.DateTimeField("впервые встретилось", auto_now_add=True)
    matched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сопоставил"
    )
    matched_at = models.DateTimeField("когда сопоставлено", null=True, blank=True)

    class Meta:
        verbose_name = "слово ПОС"
        verbose_name_plural = "слова ПОС"
        ordering = ["matched", "kind", "value"]
        constraints = [models.UniqueConstraint("kind", "value", name="pos_term_once")]

    def __str__(self) -> str:
        return self.value


class PosMessage(models.Model):
    """Where a message stands in ПОС as the last export says; and what somebody here has noted about it by hand."""

    message = models.OneToOneField(IncomingMessage, models.CASCADE, related_name="pos", verbose_name="сообщение")
    number = models.CharField("номер в ПОС", max_length=60, unique=True)
    stage = models.CharField("стадия", max_length=500, blank=True)
    status = models.CharField("статус", max_length=500, blank=True)
    planned_on = models.DateField("срок ПОС", null=True, blank=True)
    seen_at = models.DateTimeField("была в выгрузке")
    seen_in = models.ForeignKey(
        PosImport, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="последняя выгрузка"
    )
    mark = models.CharField("пометка", max_length=300, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто пометил"
    )
    marked_at = models.DateTimeField("когда помечено", null=True, blank=True)

    class Meta:
        verbose_name = "сообщение в ПОС"
        verbose_name_plural = "сообщения в ПОС"
        indexes = [models.Index(fields=["status"], name="pos_message_status")]

    def __str__(self) -> str:
        return self.number
