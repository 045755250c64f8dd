"""Numbers of the government's СЭД: what is written here, and what its own lists say."""

from __future__ import annotations

from django.db import models

from otklik.appeals.models.spine import Appeal
from otklik.core.models import StoredFile
from otklik.people.models import Employee


class Direction(models.TextChoices):
    """Whether the document came in or went out."""

    INCOMING = "in", "входящий"
    OUTGOING = "out", "исходящий"


class How(models.TextChoices):
    """How a number came here."""

    TYPED = "typed", "введён"
    SCANNED = "scanned", "считан сканером"
    SHEET = "sheet", "из таблицы"
    FOLDER = "folder", "из папки обмена"
    API = "api", "передан программой"


class SedNumber(models.Model):
    """Номер из СЭД of an appeal, as it is written here. `key`: the number as numbers are compared."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="sed_numbers", verbose_name="обращение")
    direction = models.CharField("входящий или исходящий", max_length=3, choices=Direction)
    number = models.CharField("номер", max_length=60)
    key = models.CharField("номер для сличения", max_length=60)
    on = models.DateField("дата")
    year = models.PositiveSmallIntegerField("год")
    how = models.CharField("как внесён", max_length=7, choices=How, default=How.TYPED)
    file = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="файл из СЭД"
    )
    file_name = models.CharField("имя файла", max_length=300, blank=True)
    by = models.ForeignKey(Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесён", auto_now_add=True)

    class Meta:
        verbose_name = "номер из СЭД"
        verbose_name_plural = "номера из СЭД"
        ordering = ["-on", "-id"]
        constraints = [models.UniqueConstraint("direction", "key", "year", name="sed_number_once")]
        indexes = [models.Index(fields=["key"], name="sed_number_key")]

    def __str__(self) -> str:
        return f"{self.number} от {self.on:%d.%m.%Y}"


class SedRecord(models.Model):
    """A document as the lists of СЭД name it: what our own numbers are compared with."""

    direction = models.CharField("входящий или исходящий", max_length=3, choices=Direction)
    number = models.CharField("номер", max_length=60)
    key = models.CharField("номер для сличения", max_length=60)
    on = models.DateField("дата")
    year = models.PositiveSmallIntegerField("год")
    our_number = models.CharField("наш номер по данным СЭД", max_length=60, blank=True)
    how = models.CharField("откуда", max_length=7, choices=How, default=How.SHEET)
    by = models.ForeignKey(Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесена", auto_now_add=True)

    class Meta:
        verbose_name = "запись СЭД"
        verbose_name_plural = "записи СЭД"
        ordering = ["-on", "-id"]
        constraints = [models.UniqueConstraint("direction", "key", "year", name="sed_record_once")]
        indexes = [models.Index(fields=["key"], name="sed_record_key")]

    def __str__(self) -> str:
        return f"{self.number} от {self.on:%d.%m.%Y}"
