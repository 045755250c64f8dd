"""What readers miss, gathered into proposals to write or to mend something (п. 41), each with its evidence."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from wagtail.models import Page

from otklik.knowledge.models.structure import Section
from otklik.people.models import Unit


class Proposal(models.Model):
    """Something to be written or mended, made of signals of readers: one open at a time for one cause."""

    class Kind(models.TextChoices):
        NO_RESULT = "no_result", "ищут, а материала нет"
        NO_CLICK = "no_click", "находят не то"
        VOTES = "votes", "материал не помогает"
        UNBACKED = "unbacked", "отвечают без материала"
        ALIKE = "alike", "похожие обращения без материала"
        WORTH = "worth", "решение стоит сохранить"
        NO_ACT = "no_act", "нет правового акта"
        ASKED = "asked", "сотрудник не нашёл ответа"

    class State(models.TextChoices):
        NEW = "new", "новое"
        TAKEN = "taken", "в работе"
        DONE = "done", "сделано"
        DECLINED = "declined", "отклонено"

    kind = models.CharField("о чём", max_length=10, choices=Kind)
    key = models.CharField("причина", max_length=200, help_text="Слова без окончаний или номер материала.")
    title = models.CharField("предложение", max_length=300)
    unit = models.ForeignKey(
        Unit,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name="подразделение",
        help_text="Пусто — решает главный редактор.",
    )
    page = models.ForeignKey(Page, models.SET_NULL, null=True, related_name="+", verbose_name="о каком материале")
    section = models.ForeignKey(
        Section,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name="раздел",
        help_text="Где быть материалу: выбирает тот, кто взял.",
    )
    material_kind = models.CharField("вид материала", max_length=30, blank=True, help_text="Какой нужен, если ясно.")
    signals = models.PositiveIntegerField("сколько сигналов", default=0)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.NEW)
    made_at = models.DateTimeField("когда собрано", auto_now_add=True)
    ended_at = models.DateTimeField("когда закончено", null=True)
    handler = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто взял"
    )
    led_to = models.ForeignKey(Page, models.SET_NULL, null=True, related_name="+", verbose_name="к чему привело")
    reason = models.CharField("почему отклонено", max_length=300, blank=True)

    class Meta:
        verbose_name = "предложение об актуализации"
        verbose_name_plural = "предложения об актуализации"
        constraints = [
            models.UniqueConstraint(
                "kind", "key", condition=Q(state__in=["new", "taken"]), name="proposal_open_once_for_a_cause"
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(reason=""), name="proposal_declined_with_a_reason"
            ),
        ]
        indexes = [models.Index(fields=["state", "-signals"], name="proposals_waiting")]

    def __str__(self) -> str:
        return self.title


class Evidence(models.Model):
    """One line of evidence: the words people typed or what they said, and how many times. Nobody is named.

    `reference` is opaque: whoever is above knows what it means and who may see it.
    """

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="evidence", verbose_name="предложение")
    words = models.CharField("слова", max_length=1000)
    reference = models.CharField("откуда", max_length=60, blank=True)
    times = models.PositiveIntegerField("сколько раз")
    last_at = models.DateTimeField("последний раз")

    class Meta:
        verbose_name = "основание предложения"
        verbose_name_plural = "основания предложений"
        constraints = [models.UniqueConstraint("proposal", "words", "reference", name="evidence_once")]

    def __str__(self) -> str:
        return f"{self.words}: {self.times}"
