"""The index: one row per document, and one row per word of it. The tables behind `put`, `drop`, `find`."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Substr

from otklik.search.lexicon import EntryProposal, LearnedWord, ThesaurusEntry, ThesaurusState

__all__ = ["Entry", "EntryProposal", "LearnedWord", "Posting", "ThesaurusEntry", "ThesaurusState"]


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
