"""The plain index: one row per document, its words reduced to stems. The engine behind `put`, `drop`, `find`."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """A document that can be found. `scope` names who may see it; the room that put it decides the word."""

    index = models.CharField("указатель", max_length=20)
    key = models.CharField("ключ", max_length=60)
    title = models.CharField("заголовок", max_length=500)
    body = models.TextField("текст")
    words = models.TextField("слова", help_text="Основы слов через пробел, по краям пробелы.")
    scopes = models.TextField("кому видно", help_text="Метки через пробел, по краям пробелы.")
    changed_at = models.DateTimeField("изменён", auto_now=True)

    class Meta:
        verbose_name = "запись указателя"
        verbose_name_plural = "указатель поиска"
        constraints = [models.UniqueConstraint("index", "key", name="search_entry_once")]

    def __str__(self) -> str:
        return f"{self.index}:{self.key}"
