"""Scans as they were brought, their pages, the letters made of them; and lists of what is handed to the post office."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from otklik.channels.post import reading
from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingMessage, OutgoingMessage


class ScanBatch(models.Model):
    """One file from the scanner: letters one after another. The file itself is kept and never changes."""

    class Source(models.TextChoices):
        UPLOAD = "upload", "загружен на странице"
        FOLDER = "folder", "из папки сканера"

    class Split(models.TextChoices):
        """What parts two letters."""

        SHEETS = "sheets", "лист-разделитель"
        BLANKS = "blanks", "лист-разделитель или пустая страница"
        WHOLE = "whole", "ничего: в файле одно письмо"

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт чтения"
        READING = "reading", "распознаётся"
        CHECK = "check", "проверьте разделение"
        ACCEPTING = "accepting", "письма принимаются"
        DONE = "done", "письма приняты"
        FAILED = "failed", "не читается"

    original = models.OneToOneField(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя файла", max_length=300)
    source = models.CharField("откуда", max_length=8, choices=Source)
    split = models.CharField("что разделяет письма", max_length=8, choices=Split, default=Split.SHEETS)
    received_on = models.DateField("дата поступления")
    state = models.CharField("состояние", max_length=10, choices=State, default=State.WAITING)
    why = models.CharField("что мешает", max_length=300, blank=True)
    pages_total = models.PositiveSmallIntegerField("страниц", default=0)
    languages = models.CharField("языки распознавания", max_length=40, default="rus")
    sheet = models.CharField("код на своём разделителе", max_length=100, blank=True)
    added_at = models.DateTimeField("принят", auto_now_add=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто загрузил"
    )
    taken_at = models.DateTimeField("взят в работу", null=True, blank=True)
    tries = models.PositiveSmallIntegerField("попыток", default=0)

    class Meta:
        verbose_name = "пачка сканов"
        verbose_name_plural = "пачки сканов"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"пачка сканов {self.pk}"


class ScanPage(models.Model):
    """One page of a scan: what it is, what it says, whether a letter begins with it."""

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт чтения"
        READ = "read", "прочитана"
        FAILED = "failed", "не читается"

    class Kind(models.TextChoices):
        LETTER = reading.LETTER, "страница письма"
        BLANK = reading.BLANK, "пустая"
        SHEET = reading.SHEET, "разделитель"

    batch = models.ForeignKey(ScanBatch, models.CASCADE, related_name="pages", verbose_name="пачка сканов")
    number = models.PositiveSmallIntegerField("номер")
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    kind = models.CharField("что это", max_length=8, choices=Kind, default=Kind.LETTER)
    starts = models.BooleanField("начинает письмо", default=False)
    text = models.TextField("текст", blank=True)
    codes = models.JSONField("штрихкоды", default=list, blank=True)
    why = models.CharField("что не так", max_length=300, blank=True)
    picture = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="картинка"
    )
    pdf = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="PDF")
    taken_at = models.DateTimeField("взята в работу", null=True, blank=True)
    tries = models.PositiveSmallIntegerField("попыток", default=0)

    class Meta:
        verbose_name = "страница скана"
        verbose_name_plural = "страницы сканов"
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint("batch", "number", name="scan_page_once")]
        indexes = [models.Index(fields=["state", "id"], name="scan_pages_waiting")]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.number}"


class ScanLetter(models.Model):
    """A letter made of pages of a scan: the message it became, and what its envelope says."""

    batch = models.ForeignKey(ScanBatch, models.PROTECT, related_name="letters", verbose_name="пачка сканов")
    first = models.PositiveSmallIntegerField("первая страница")
    last = models.PositiveSmallIntegerField("последняя страница")
    pdf = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="PDF письма")
    message = models.OneToOneField(
        IncomingMessage, models.PROTECT, related_name="scan_letter", verbose_name="сообщение"
    )
    envelope_on = models.DateField("дата на почтовом штемпеле", null=True, blank=True)
    register_number = models.CharField("номер в реестре почты", max_length=40, blank=True)
    track = models.CharField("почтовый идентификатор", max_length=20, blank=True)

    class Meta:
        verbose_name = "письмо со скана"
        verbose_name_plural = "письма со сканов"
        ordering = ["batch", "first"]
        constraints = [models.UniqueConstraint("batch", "first", name="scan_letter_once")]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.first}-{self.last}"


class PostList(models.Model):
    """A list of letters handed to the post office on one day."""

    on = models.DateField("дата списка")
    made_at = models.DateTimeField("составлен", auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто составил")
    handed_on = models.DateField("сдан на почту", null=True, blank=True)
    handed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сдал"
    )

    class Meta:
        verbose_name = "список почтовых отправлений"
        verbose_name_plural = "списки почтовых отправлений"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"список № {self.pk}"


class PostItem(models.Model):
    """One line of such a list: a letter, its weight, its postal number."""

    post_list = models.ForeignKey(PostList, models.CASCADE, related_name="items", verbose_name="список отправлений")
    place = models.PositiveSmallIntegerField("номер по порядку")
    message = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="post_item", verbose_name="исходящее сообщение"
    )
    grams = models.PositiveIntegerField("вес, г", null=True, blank=True)
    track = models.CharField("почтовый идентификатор", max_length=20, blank=True)

    class Meta:
        verbose_name = "строка списка отправлений"
        verbose_name_plural = "строки списков отправлений"
        ordering = ["post_list", "place"]
        constraints = [models.UniqueConstraint("post_list", "place", name="post_item_place_once")]

    def __str__(self) -> str:
        return f"{self.post_list_id}: {self.place}"
