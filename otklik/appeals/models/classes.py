"""Classification beside the questions: kinds, replacements of codes, editions, history, what proposals have learned."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal, AppealQuestion, Topic
from otklik.core.models import StoredFile
from otklik.people.models import Employee


class QuestionKind(models.Model):
    """A type or a subtype of a question (справочник 2025-10-31): «3 Жалоба», «Ж1.2 …» below it."""

    code = models.CharField("код", max_length=12, unique=True)
    official = models.CharField("код для отчёта", max_length=12, blank=True)
    name = models.CharField("название", max_length=300)
    parent_code = models.CharField("входит в", max_length=12, blank=True)
    hints = models.TextField("слова-подсказки", blank=True, help_text="Через запятую: по ним предлагается вид.")
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "вид вопроса"
        verbose_name_plural = "виды вопросов"
        ordering = ["order", "code"]

    def __str__(self) -> str:
        return f"{self.official} {self.name}" if self.official else self.name


class QuestionSort(models.Model):
    """Of which kind a question of an appeal is; goes with the question."""

    question = models.OneToOneField(AppealQuestion, models.CASCADE, related_name="sort", verbose_name="вопрос")
    kind = models.ForeignKey(QuestionKind, models.PROTECT, related_name="+", verbose_name="вид")

    class Meta:
        verbose_name = "отнесение вопроса к виду"
        verbose_name_plural = "отнесения вопросов к видам"

    def __str__(self) -> str:
        return f"{self.question_id}: {self.kind_id}"


class TopicReplacement(models.Model):
    """Which topic stands in for one that has ended."""

    topic = models.OneToOneField(Topic, models.CASCADE, related_name="replacement", verbose_name="прежняя тема")
    by = models.ForeignKey(Topic, models.PROTECT, related_name="+", verbose_name="чем заменена")

    class Meta:
        verbose_name = "замена темы"
        verbose_name_plural = "замены тем"
        constraints = [models.CheckConstraint(condition=~Q(topic=F("by")), name="topic_replaced_by_another")]

    def __str__(self) -> str:
        return f"{self.topic_id} → {self.by_id}"


class ClassifierEdition(models.Model):
    """One loading of the thematic classifier from a file: what it was, from which day, what it changed."""

    version = models.CharField("версия", max_length=20)
    starts_on = models.DateField("действует с")
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя файла", max_length=200)
    added = models.PositiveIntegerField("добавлено", default=0)
    renewed = models.PositiveIntegerField("обновлено", default=0)
    ended = models.PositiveIntegerField("прекращено", default=0)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто загрузил")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "загрузка классификатора"
        verbose_name_plural = "загрузки классификатора"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version} с {self.starts_on:%d.%m.%Y}"


class Reclassification(models.Model):
    """A confirmed classification that gave way to another: who, when, from what to what, in the words of that day."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="reclassifications", verbose_name="обращение")
    was = models.JSONField("было", help_text="Пары: тема с кодом, потребность, вид.")
    now = models.JSONField("стало")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто изменил")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "переклассификация"
        verbose_name_plural = "переклассификации"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.appeal_id}, {self.at:%d.%m.%Y}"


class ProposalModel(models.Model):
    """What proposals have learned of confirmed cases, once; every attempt is kept with its figures, one is in use."""

    class State(models.TextChoices):
        USED = "used", "в работе"
        REFUSED = "refused", "не взята"
        PAST = "past", "прежняя"

    version = models.PositiveIntegerField("номер", unique=True)
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="чему выучилась")
    learned = models.PositiveIntegerField("обращений, на которых училась")
    held = models.PositiveIntegerField("отложенных обращений")
    figures = models.JSONField("на отложенных обращениях", default=dict)
    state = models.CharField("состояние", max_length=7, choices=State)
    why = models.CharField("почему не взята", max_length=300, blank=True)
    trained_at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "выученные предложения"
        verbose_name_plural = "выученные предложения"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint("state", condition=Q(state="used"), name="proposal_model_one_in_use"),
            models.CheckConstraint(condition=Q(state="refused") ^ Q(why=""), name="proposal_model_refused_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_state_display()}"
