"""The dictionary of search as its editors keep it, what the product proposes for it, and what readers have taught."""

from __future__ import annotations

from secrets import token_hex

from django.conf import settings
from django.db import models
from django.db.models import Q


class ThesaurusEntry(models.Model):
    """One line of the thesaurus. What was taken out stays: it is not planted again, and can be put back."""

    class Kind(models.TextChoices):
        SYNONYM = "synonym", "говорят → пишут"
        ABBREVIATION = "abbreviation", "сокращение"
        EMPTY = "empty", "пустая фраза"
        STORY = "story", "слова личной истории"

    class Origin(models.TextChoices):
        SHIPPED = "shipped", "из поставки"
        EDITOR = "editor", "внёс редактор"
        PROPOSED = "proposed", "предложил Отклик"

    kind = models.CharField("вид", max_length=12, choices=Kind, default=Kind.SYNONYM)
    said = models.CharField("как говорят", max_length=500)
    written = models.CharField("как написано в документах", max_length=300, blank=True)
    weight = models.FloatField("вес", default=0.7)
    origin = models.CharField("откуда", max_length=8, choices=Origin, default=Origin.EDITOR)
    active = models.BooleanField("действует", default=True)
    line = models.CharField(
        "строка поставки", max_length=64, blank=True, help_text="Отпечаток: второй раз не загружается."
    )
    version = models.PositiveIntegerField("версия", default=1)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто изменил"
    )
    changed_at = models.DateTimeField("когда изменена", auto_now=True)

    class Meta:
        verbose_name = "запись словаря поиска"
        verbose_name_plural = "словарь поиска"
        constraints = [
            models.UniqueConstraint("line", condition=~Q(line=""), name="thesaurus_line_planted_once"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=1), name="thesaurus_weight"),
            models.CheckConstraint(
                condition=(Q(kind__in=["empty", "story"], written=""))
                | (Q(kind__in=["synonym", "abbreviation"]) & ~Q(written="")),
                name="thesaurus_written_where_it_has_to_be",
            ),
        ]
        indexes = [models.Index(fields=["active", "said"], name="thesaurus_by_words")]

    def __str__(self) -> str:
        return f"{self.said} → {self.written}" if self.written else self.said


class ThesaurusState(models.Model):
    """One row: it changes with every change of the dictionary, so that a process knows whether its own is fresh."""

    version = models.CharField("версия", max_length=64, default=token_hex)

    class Meta:
        verbose_name = "состояние словаря поиска"
        verbose_name_plural = "состояние словаря поиска"

    def __str__(self) -> str:
        return self.version


class EntryProposal(models.Model):
    """An entry the product proposes of what readers typed, with the searches behind it; nobody is named.

    `material`: the key of the document the searches ended with; empty where they ended with nothing.
    """

    class State(models.TextChoices):
        NEW = "new", "новое"
        ACCEPTED = "accepted", "принято"
        DECLINED = "declined", "отклонено"

    said = models.CharField("слово", max_length=64)
    written = models.CharField("слова материала", max_length=300, blank=True)
    material = models.CharField("ключ материала", max_length=60, blank=True)
    title = models.CharField("материал", max_length=500, blank=True)
    times = models.PositiveIntegerField("сколько поисков")
    sources = models.PositiveIntegerField("сколько искавших")
    examples = models.JSONField("поиски", default=list, help_text="[слова без личных данных, сколько раз]")
    state = models.CharField("состояние", max_length=8, choices=State, default=State.NEW)
    entry = models.ForeignKey(
        ThesaurusEntry, models.SET_NULL, null=True, related_name="+", verbose_name="запись словаря"
    )
    made_at = models.DateTimeField("когда собрано", auto_now_add=True)
    ended_at = models.DateTimeField("когда решено", null=True)
    handler = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто решил"
    )

    class Meta:
        verbose_name = "предложение в словарь поиска"
        verbose_name_plural = "предложения в словарь поиска"
        constraints = [models.UniqueConstraint("said", "material", name="thesaurus_proposed_once")]
        indexes = [models.Index(fields=["state", "-times"], name="thesaurus_proposals_waiting")]

    def __str__(self) -> str:
        return f"{self.said} → {self.written}" if self.written else self.said


class LearnedWord(models.Model):
    """A word that led several people to one document, though it does not stand in its title.

    Only sums: no query, nobody's name. What was taken back stays here, so that it is not learned again.
    """

    index = models.CharField("указатель", max_length=20)
    key = models.CharField("ключ", max_length=60)
    lemma = models.CharField("слово", max_length=64)
    weight = models.FloatField("вес")
    times = models.PositiveIntegerField("сколько раз")
    sources = models.PositiveIntegerField("от скольких людей и писем")
    learned_at = models.DateTimeField("когда выучено", auto_now=True)
    taken_back_at = models.DateTimeField("когда убрано", null=True)
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто убрал"
    )

    class Meta:
        verbose_name = "выученное слово"
        verbose_name_plural = "выученные слова"
        constraints = [
            models.UniqueConstraint("index", "key", "lemma", name="learned_once"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=1), name="learned_weight"),
        ]
        indexes = [models.Index(fields=["index", "lemma"], name="learned_by_word")]

    def __str__(self) -> str:
        return self.lemma
