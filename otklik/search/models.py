"""What is to be found, what of it has changed, and which machines keep an index of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from otklik.search.lexicon import EntryProposal, LearnedWord, ThesaurusEntry, ThesaurusState

__all__ = ["Entry", "EntryProposal", "LearnedWord", "ThesaurusEntry", "ThesaurusState"]


class Entry(models.Model):
    """A document that can be found. `scopes` name who may see it; the room that put it decides the words."""

    index = models.CharField("указатель", max_length=20)
    key = models.CharField("ключ", max_length=60)
    title = models.CharField("заголовок", max_length=500)
    body = models.TextField("текст")
    scopes = models.TextField("кому видно", help_text="Метки через пробел, по краям пробелы.")
    changed_at = models.DateTimeField("изменён", auto_now=True)

    class Meta:
        verbose_name = "запись указателя"
        verbose_name_plural = "указатель поиска"
        constraints = [models.UniqueConstraint("index", "key", name="search_entry_once")]

    def __str__(self) -> str:
        return f"{self.index}:{self.key}"


class Change(models.Model):
    """An entry that was put or dropped: written in the same transaction, read by the indexer of every machine.

    `transaction`: PostgreSQL's number of it, by which what commits late is not missed; 0 on SQLite, where numbers of
    rows are in the order of commits.
    """

    index = models.CharField("указатель", max_length=20)
    key = models.CharField("ключ", max_length=60)
    transaction = models.BigIntegerField("транзакция", default=0)
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "изменение для указателя"
        verbose_name_plural = "изменения для указателя"
        indexes = [models.Index(fields=["transaction", "id"], name="search_change_order")]

    def __str__(self) -> str:
        return f"{self.index}:{self.key}"


class IndexHost(models.Model):
    """A machine that keeps an index on its disk, and how far it has read the changes: all below `position`."""

    token = models.CharField("метка", max_length=32, unique=True)
    name = models.CharField("имя машины", max_length=80)
    position = models.BigIntegerField("прочитано до")
    seen_at = models.DateTimeField("когда читала")

    class Meta:
        verbose_name = "машина с указателем поиска"
        verbose_name_plural = "машины с указателем поиска"

    def __str__(self) -> str:
        return self.name


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
