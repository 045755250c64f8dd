"""A journal on its way in: read, its columns told, tried, carried, taken back; and everything on its way out."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from otklik.core.models import StoredFile


class HistoryImport(models.Model):
    """A journal of another system: what its columns are, how far it is carried, what was wrong with its rows."""

    class Kind(models.TextChoices):
        APPEALS = "appeals", "обращения"
        RECEPTIONS = "receptions", "личные приёмы"
        MISSED = "missed", "пропущенные звонки"
        APPLICANTS = "applicants", "заявители"
        MATERIALS = "materials", "материалы"

    class State(models.TextChoices):
        READ = "read", "прочитан, столбцы не подтверждены"
        CHECKING = "checking", "проверяется"
        CHECKED = "checked", "проверен"
        WRITING = "writing", "переносится"
        DONE = "done", "перенесён"
        FAILED = "failed", "остановлен"
        UNDOING = "undoing", "отменяется"
        UNDONE = "undone", "отменён"

    kind = models.CharField("что в журнале", max_length=10, choices=Kind)
    name = models.CharField("файл", max_length=200)
    sheet = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="журнал")
    rows = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="прочитанные строки")
    attached = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="архив с файлами"
    )
    heads = models.JSONField("заголовки", default=list)
    columns = models.JSONField("что в столбцах", default=dict, help_text="Номер столбца: поле.")
    options = models.JSONField("настройки", default=dict)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.READ)
    total = models.PositiveIntegerField("строк", default=0)
    position = models.PositiveIntegerField("пройдено строк", default=0)
    good = models.PositiveIntegerField("верных строк", default=0)
    bad = models.PositiveIntegerField("строк с ошибками", default=0)
    faults = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="ошибки строк"
    )
    late = models.JSONField("не перенесено при записи", default=list)
    told = models.JSONField("чего журнал не назвал", default=dict, help_text="Слова журнала без соответствия.")
    made = models.PositiveIntegerField("перенесено строк", default=0)
    numbers = models.JSONField("счётчики номеров", default=dict, help_text="Какими были и какими стали.")
    taken_back = models.PositiveIntegerField("отменено строк", default=0)
    error = models.CharField("почему остановлен", max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто переносит")
    created_at = models.DateTimeField("загружен", auto_now_add=True)
    finished_at = models.DateTimeField("закончено", null=True, blank=True)

    class Meta:
        verbose_name = "перенос журнала"
        verbose_name_plural = "переносы журналов"
        ordering = ["-id"]
        indexes = [models.Index(fields=["state"], name="history_import_state")]

    def __str__(self) -> str:
        return f"перенос {self.pk}"


class CarriedRow(models.Model):
    """What one row of a journal has made, and how many lines the journal of changes had of it then."""

    run = models.ForeignKey(HistoryImport, models.CASCADE, related_name="carried", verbose_name="перенос")
    line = models.PositiveIntegerField("строка")
    what = models.CharField("что", max_length=10)
    key = models.PositiveBigIntegerField("номер записи")
    entries = models.PositiveSmallIntegerField("строк в журнале изменений", default=1)
    kept_why = models.CharField("почему не отменено", max_length=200, blank=True)

    class Meta:
        verbose_name = "перенесённая запись"
        verbose_name_plural = "перенесённые записи"
        constraints = [models.UniqueConstraint("what", "key", name="carried_once")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.what} {self.key}"


class ColumnSet(models.Model):
    """What the columns of journals with these headings were told to be the last time."""

    kind = models.CharField("что в журнале", max_length=10, choices=HistoryImport.Kind)
    key = models.CharField("набор заголовков", max_length=64)
    columns = models.JSONField("что в столбцах", default=dict, help_text="Заголовок: поле.")
    options = models.JSONField("настройки", default=dict)

    class Meta:
        verbose_name = "запомненные столбцы"
        verbose_name_plural = "запомненные столбцы"
        constraints = [models.UniqueConstraint("kind", "key", name="column_set_once")]

    def __str__(self) -> str:
        return self.key[:12]


class WordMeaning(models.Model):
    """What a word of a journal means here: whose name it is, which regime, topic, outcome; empty: nothing of ours."""

    class What(models.TextChoices):
        EXECUTOR = "executor", "исполнитель"
        REGIME = "regime", "режим"
        CHANNEL = "channel", "канал"
        TOPIC = "topic", "тема"
        NEED = "need", "потребность"
        OUTCOME = "outcome", "исход"
        CALL = "call", "итог звонка"
        LINE = "line", "линия"

    what = models.CharField("о чём", max_length=10, choices=What)
    said = models.CharField("слово журнала", max_length=300)
    means = models.CharField("что это у нас", max_length=60, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто сопоставил")
    at = models.DateTimeField("когда", auto_now=True)

    class Meta:
        verbose_name = "соответствие слов журнала"
        verbose_name_plural = "соответствия слов журнала"
        constraints = [models.UniqueConstraint("what", "said", name="word_meaning_once")]

    def __str__(self) -> str:
        return f"{self.what} {self.pk}"


class FullExport(models.Model):
    """Everything there is in open formats, asked for by an administrator and made by a worker; kept for days only."""

    class State(models.TextChoices):
        WAITING = "waiting", "готовится"
        READY = "ready", "готова"
        FAILED = "failed", "не удалась"

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто")
    asked_at = models.DateTimeField("когда", auto_now_add=True)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    stored = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="архив"
    )
    rows = models.PositiveBigIntegerField("строк", default=0)
    files = models.PositiveBigIntegerField("файлов", default=0)
    error = models.CharField("почему не удалась", max_length=300, blank=True)

    class Meta:
        verbose_name = "полная выгрузка"
        verbose_name_plural = "полные выгрузки"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"выгрузка {self.pk}"
