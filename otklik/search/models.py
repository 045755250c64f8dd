"""The index: one row per document, and one row per word of it. The tables behind `put`, `drop`, `find`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Substr


class Entry(models.Model):
    """A document that can be found. `scopes` name who may see it; the room that put it decides the words."""

    index = models.CharField("указатель", max_length=20)
    key = models.CharField("ключ", max_length=60)
    title = models.CharField("заголовок", max_length=500)
    body = models.TextField("текст")
    length = models.PositiveIntegerField("длина в словах", default=0)
    scopes = models.TextField("кому видно", help_text="Метки через пробел, по краям пробелы.")
    changed_at = models.DateTimeField("изменён", auto_now=True)

    class Meta:
        verbose_name = "запись указателя"
        verbose_name_plural = "указатель поиска"
        constraints = [models.UniqueConstraint("index", "key", name="search_entry_once")]

    def __str__(self) -> str:
        return f"{self.index}:{self.key}"


class Posting(models.Model):
    """A word of a document, reduced to its stem, with the weight it has there (the title counts more)."""

    entry = models.ForeignKey(Entry, models.CASCADE, related_name="postings", verbose_name="запись")
    index = models.CharField("указатель", max_length=20)
    word = models.CharField("основа слова", max_length=64)
    weight = models.PositiveSmallIntegerField("вес")

    class Meta:
        verbose_name = "слово указателя"
        verbose_name_plural = "слова указателя"
        indexes = [
            models.Index(fields=["index", "word", "-weight", "entry"], name="search_posting_word"),
            models.Index("index", Substr("word", 1, 2), "word", name="search_posting_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.word} ({self.entry_id})"


class Vector(models.Model):
    """What a document means, as one encoder tells it. `seen`: when the entry it was made of had last changed."""

    index = models.CharField("указатель", max_length=20)
    key = models.CharField("ключ", max_length=60)
    encoder = models.CharField("кодировщик", max_length=120)
    digest = models.CharField("отпечаток текста", max_length=64)
    numbers = models.BinaryField("числа")
    seen = models.DateTimeField("запись изменена")
    made_at = models.DateTimeField("когда сделан")

    class Meta:
        verbose_name = "вектор смысла"
        verbose_name_plural = "векторы смысла"
        constraints = [models.UniqueConstraint("index", "key", name="search_vector_once")]

    def __str__(self) -> str:
        return f"{self.index}:{self.key}"


class ConfidenceModel(models.Model):
    """How sure a search is, as learnt once from this installation's questions; every attempt is kept with its figures.

    One is in use at most; `by`: who went back to the shipped numbers, which stops the learning.
    """

    class State(models.TextChoices):
        USED = "used", "в работе"
        REFUSED = "refused", "не взята"
        PAST = "past", "прежняя"

    version = models.PositiveIntegerField("номер", unique=True)
    shipped_version = models.CharField("с какой поставляемой сравнена", max_length=20)
    weights = models.JSONField("веса")
    bias = models.FloatField("сдвиг")
    threshold = models.FloatField("порог")
    questions = models.PositiveIntegerField("вопросов", default=0)
    negative = models.PositiveIntegerField("из них без ответа", default=0)
    figures = models.JSONField("на отложенных вопросах", default=dict)
    state = models.CharField("состояние", max_length=7, choices=State)
    why = models.CharField("почему не взята", max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто вернул поставляемую"
    )
    trained_at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "модель уверенности"
        verbose_name_plural = "модели уверенности"
        constraints = [
            models.UniqueConstraint("state", condition=models.Q(state="used"), name="confidence_one_in_use"),
            models.CheckConstraint(
                condition=models.Q(state="refused") ^ models.Q(why=""), name="confidence_refused_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_state_display()}"
