"""How well search answers: questions with a confirmed answer asked anew each night, and test sets people bring."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from otklik.knowledge.models.structure import Section


class TestSet(models.Model):
    """Questions with the materials that answer them, brought by the keeper of the Knowledge Base."""

    __test__ = False  # no class of tests

    name = models.CharField("название", max_length=120)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто загрузил")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "проверочный набор"
        verbose_name_plural = "проверочные наборы"

    def __str__(self) -> str:
        return self.name


class TestQuery(models.Model):
    """A question of a test set. `pages`: id of a material → grade, 2 answers, 1 is near; empty: nothing answers."""

    __test__ = False

    test_set = models.ForeignKey(TestSet, models.CASCADE, related_name="queries", verbose_name="набор")
    code = models.CharField("номер в наборе", max_length=40)
    kind = models.CharField("вид", max_length=20, blank=True)
    text = models.TextField("вопрос")
    pages = models.JSONField("материалы", default=dict)

    class Meta:
        verbose_name = "проверочный вопрос"
        verbose_name_plural = "проверочные вопросы"
        constraints = [models.UniqueConstraint("test_set", "code", name="test_query_once")]

    def __str__(self) -> str:
        return self.code


class SearchRun(models.Model):
    """Questions put to search one after another and what came of it: of a night, or of a test set.

    `figures` are counted at the end and outlive the questions of a night: kind of group → group → outcome → number.
    """

    day = models.DateField("ночь", null=True, unique=True, help_text="Пусто — прогон проверочного набора.")
    test_set = models.ForeignKey(
        TestSet, models.CASCADE, null=True, related_name="runs", verbose_name="проверочный набор"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто начал"
    )
    began_at = models.DateTimeField("начат", auto_now_add=True)
    finished_at = models.DateTimeField("закончен", null=True)
    total = models.PositiveIntegerField("вопросов")
    done = models.PositiveIntegerField("задано", default=0)
    model_version = models.CharField("уверенность", max_length=20, blank=True)
    figures = models.JSONField("показатели", default=dict)

    class Meta:
        verbose_name = "проверка поиска"
        verbose_name_plural = "проверки поиска"
        constraints = [
            models.CheckConstraint(
                condition=Q(day__isnull=False, test_set=None) | Q(day=None, test_set__isnull=False),
                name="search_run_of_a_night_or_a_set",
            )
        ]
        indexes = [models.Index(fields=["finished_at"], name="search_runs_under_way")]

    def __str__(self) -> str:
        return f"{self.day:%d.%m.%Y}" if self.day else str(self.pk)


class SearchCase(models.Model):
    """One question of a run: what it was to find, at which place it found that, and how sure the search was.

    Of a letter the words are not kept, only the appeal it belongs to.
    """

    run = models.ForeignKey(SearchRun, models.CASCADE, related_name="cases", verbose_name="проверка")
    source = models.CharField("откуда", max_length=6)
    kind = models.CharField("вид", max_length=20)
    code = models.CharField("номер в наборе", max_length=40, blank=True)
    text = models.TextField("вопрос", blank=True)
    reference = models.CharField("где", max_length=60, blank=True)
    pages = models.JSONField("что должно найтись", default=list)
    has_answer = models.BooleanField("ответ есть")
    section = models.ForeignKey(Section, models.SET_NULL, null=True, related_name="+", verbose_name="раздел")
    found = models.PositiveSmallIntegerField("нашлось")
    first = models.PositiveBigIntegerField("первый в списке", null=True)
    place = models.PositiveSmallIntegerField("место", null=True)
    confidence = models.FloatField("уверенность")
    sure = models.BooleanField("уверен")
    read_as = models.CharField("понято как", max_length=200, blank=True)
    features = models.JSONField("признаки", default=list)

    class Meta:
        verbose_name = "заданный вопрос"
        verbose_name_plural = "заданные вопросы"

    def __str__(self) -> str:
        return f"{self.run_id}: {self.place or 'не найдено'}"
