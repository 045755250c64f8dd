"""Feedback: questionnaires, invitations, what people said. Knows only an opaque invitation, never an appeal."""

from __future__ import annotations

import secrets

from django.db import models

from otklik.people.models import Unit
from otklik.people.models.staff import Validity


def new_invitation_token() -> str:
    """Return 128 bits of chance, safe in a URL."""
    return secrets.token_urlsafe(16)


class Questionnaire(models.Model):
    """A questionnaire in one edition, which never changes: a new wording is a new edition, with its day."""

    code = models.SlugField("код", max_length=40)
    edition = models.PositiveSmallIntegerField("редакция", default=1)
    title = models.CharField("название", max_length=200)
    questions = models.JSONField("вопросы", help_text="Список: код, текст, вид, ответы, обязателен ли, чем установлен.")
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)
    ground = models.CharField("основание", max_length=300, blank=True, help_text="Приказ, установивший формулировки.")

    class Meta:
        verbose_name = "анкета"
        verbose_name_plural = "анкеты"
        constraints = [models.UniqueConstraint("code", "edition", name="questionnaire_edition_once")]

    def __str__(self) -> str:
        return self.title


class QuestionnaireDraft(models.Model):
    """What the next edition of a questionnaire will ask, while it is written; nobody is asked by it."""

    code = models.SlugField("код", max_length=40, unique=True)
    title = models.CharField("название", max_length=200)
    questions = models.JSONField("вопросы", default=list)
    version = models.PositiveIntegerField("версия", default=1, help_text="Растёт с каждым сохранением.")
    changed_at = models.DateTimeField("изменён", auto_now=True)

    class Meta:
        verbose_name = "черновик анкеты"
        verbose_name_plural = "черновики анкет"
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title


class Invitation(models.Model):
    """A one-time request for an opinion. Whoever sent it holds the key to what it was about."""

    token = models.CharField("ключ", max_length=40, unique=True, default=new_invitation_token)
    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, related_name="+", verbose_name="анкета")
    channel = models.CharField("канал", max_length=32)
    created_at = models.DateTimeField("создано", auto_now_add=True)
    expires_on = models.DateField("действует по", null=True, blank=True)
    code = models.CharField(
        "одноразовый код", max_length=12, unique=True, null=True, blank=True, help_text="Вводит сам отвечающий."
    )

    class Meta:
        verbose_name = "приглашение"
        verbose_name_plural = "приглашения"

    def __str__(self) -> str:
        return f"приглашение {self.pk}"


class SurveyPoint(Validity):
    """A place people are asked at: a poster on a door, the site, a desk. Its short code is the address of its page."""

    code = models.SlugField("код", max_length=12, unique=True, help_text="Короткий: его диктуют по телефону.")
    name = models.CharField("название", max_length=200)
    questionnaire = models.SlugField("анкета", max_length=40, help_text="Код: действует её сегодняшняя редакция.")
    channel = models.CharField("канал", max_length=32, blank=True)
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="подразделение"
    )
    opened = models.PositiveBigIntegerField("сколько раз открыли", default=0)

    class Meta:
        verbose_name = "место опроса"
        verbose_name_plural = "места опроса"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AnswerFlow(models.Model):
    """How many answers came from one address within an hour; whose it was is forgotten the next day."""

    visitor = models.CharField("посетитель", max_length=64, blank=True, help_text="Ключевой хеш адреса, на сутки.")
    hour = models.DateTimeField("час", db_index=True)
    number = models.PositiveIntegerField("сколько ответов", default=0)

    class Meta:
        verbose_name = "поток ответов"
        verbose_name_plural = "потоки ответов"
        constraints = [
            models.UniqueConstraint("visitor", "hour", condition=~models.Q(visitor=""), name="answer_flow_once")
        ]

    def __str__(self) -> str:
        return f"поток ответов {self.pk}"


class Response(models.Model):
    """What one person said; one per invitation, whatever is retried."""

    class Source(models.TextChoices):
        LINK = "link", "по ссылке"
        QR = "qr", "по QR-коду"
        PAPER = "paper", "на бумаге"
        PHONE = "phone", "по телефону"
        POS = "pos", "оценка в ПОС"

    invitation = models.OneToOneField(Invitation, models.PROTECT, related_name="response", verbose_name="приглашение")
    answers = models.JSONField("ответы", help_text="код вопроса → код ответа или текст")
    comment = models.TextField("комментарий", blank=True)
    at = models.DateTimeField("когда", auto_now_add=True)
    source = models.CharField("откуда", max_length=5, choices=Source, default=Source.LINK)
    point = models.ForeignKey(
        SurveyPoint, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="место опроса"
    )
    attempt = models.CharField("попытка", max_length=32, unique=True, null=True, blank=True, editable=False)
    flow = models.ForeignKey(
        AnswerFlow, models.PROTECT, null=True, blank=True, related_name="responses", verbose_name="поток"
    )
    suspicious = models.BooleanField(
        "подозрительно много", default=False, help_text="С одного адреса за час пришло больше ответов, чем бывает."
    )

    class Meta:
        verbose_name = "отзыв"
        verbose_name_plural = "отзывы"

    def __str__(self) -> str:
        return f"отзыв {self.pk}"


class ContactConsent(models.Model):
    """A consent to be contacted about one's opinion: a document of its own (152-ФЗ since 01.09.2025)."""

    response = models.OneToOneField(Response, models.PROTECT, related_name="consent", verbose_name="отзыв")
    edition = models.CharField("редакция текста", max_length=20)
    contact = models.CharField(
        "как связаться", max_length=200, blank=True, help_text="Пусто — сведения из обращения, приёма или звонка."
    )
    given_at = models.DateTimeField("когда дано", auto_now_add=True)

    class Meta:
        verbose_name = "согласие на связь"
        verbose_name_plural = "согласия на связь"

    def __str__(self) -> str:
        return f"согласие {self.pk}"
