"""Feedback: questionnaires, invitations, what people said. Knows only an opaque invitation, never an appeal."""

from __future__ import annotations

import secrets

from django.core.validators import MaxValueValidator
from django.db import models

from otklik.core.models import StoredFile
from otklik.knowledge.models import Proposal
from otklik.people.models import Employee, Unit
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


class PaperBatch(models.Model):
    """Questionnaires on paper that were gathered at one place by one day; they count when the batch is closed."""

    class State(models.TextChoices):
        ENTRY = "entry", "вводится"
        CHECK = "check", "проверяется"
        COUNTED = "counted", "учтена"

    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, related_name="+", verbose_name="анкета")
    point = models.ForeignKey(
        SurveyPoint, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="место опроса"
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="подразделение"
    )
    received_on = models.DateField("получена", help_text="За этот день анкеты и учитываются.")
    forms_expected = models.PositiveSmallIntegerField("анкет в пачке", help_text="Сколько бланков на столе.")
    note = models.CharField("примечание", max_length=300, blank=True)
    state = models.CharField("состояние", max_length=7, choices=State, default=State.ENTRY)
    unchecked = models.CharField("почему без проверки", max_length=300, blank=True)
    scan = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="скан")
    scan_name = models.CharField("имя скана", max_length=200, blank=True)
    made_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто завёл")
    made_at = models.DateTimeField("когда заведена", auto_now_add=True)
    counted_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто учёл"
    )
    counted_at = models.DateTimeField("когда учтена", null=True, blank=True)

    class Meta:
        verbose_name = "пачка бумажных анкет"
        verbose_name_plural = "пачки бумажных анкет"
        ordering = ["-received_on", "-id"]

    def __str__(self) -> str:
        return f"пачка № {self.pk}"


class PaperForm(models.Model):
    """One questionnaire of a batch as it was typed, and typed again where the sample took it."""

    batch = models.ForeignKey(PaperBatch, models.CASCADE, related_name="forms", verbose_name="пачка")
    number = models.PositiveSmallIntegerField("номер в пачке")
    answers = models.JSONField("ответы", default=dict, help_text="Вопрос → ответ, «-» не отмечено, «?» неразборчиво.")
    comment = models.TextField("комментарий", blank=True)
    entered_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто ввёл")
    entered_at = models.DateTimeField("когда введена", null=True, blank=True, help_text="Пусто — ещё вводится.")
    sampled = models.BooleanField("взята на проверку", default=False)
    first = models.JSONField("введено в первый раз", null=True, blank=True)
    second = models.JSONField("введено во второй раз", null=True, blank=True)
    second_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто проверил"
    )
    settled_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил, что верно"
    )
    response = models.OneToOneField(
        Response, models.PROTECT, null=True, blank=True, related_name="paper", verbose_name="отзыв"
    )

    class Meta:
        verbose_name = "бумажная анкета"
        verbose_name_plural = "бумажные анкеты"
        ordering = ["number"]
        constraints = [models.UniqueConstraint("batch", "number", name="paper_form_once")]

    def __str__(self) -> str:
        return f"анкета {self.number} пачки {self.batch_id}"


class OpinionTag(Validity):
    """What an opinion is about, in a word: the department's own dictionary."""

    name = models.CharField("метка", max_length=60, unique=True)

    class Meta:
        verbose_name = "метка отзыва"
        verbose_name_plural = "метки отзывов"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class OpinionTarget(Validity):
    """What a figure of opinions ought to be, from a day on."""

    class Figure(models.TextChoices):
        CSI = "csi", "индекс удовлетворённости (CSI)"
        CSAT = "csat", "удовлетворены (CSAT)"
        ANSWERED = "answered", "ответ получен"
        FCR = "fcr", "решено с первого обращения (FCR)"
        COVERAGE = "coverage", "охват опросом"
        CLOSED = "closed", "петля замкнута"

    figure = models.CharField("показатель", max_length=8, choices=Figure)
    percent = models.PositiveSmallIntegerField("не меньше, %", validators=[MaxValueValidator(100)])
    basis = models.CharField("основание", max_length=300, blank=True)

    class Meta:
        verbose_name = "целевое значение отзывов"
        verbose_name_plural = "целевые значения отзывов"
        ordering = ["figure", "-valid_from"]
        constraints = [models.UniqueConstraint("figure", "valid_from", name="opinion_target_once")]

    def __str__(self) -> str:
        return f"{self.get_figure_display()}: {self.percent} %"


class OpinionWork(models.Model):
    """What becomes of what somebody said: tags, whom it was handed to, what was done. No row: nobody has read it."""

    class State(models.TextChoices):
        NEW = "new", "новый"
        HANDED = "handed", "передан"
        DONE = "done", "сделано"
        DECLINED = "declined", "отклонён"

    response = models.OneToOneField(Response, models.PROTECT, related_name="work", verbose_name="отзыв")
    state = models.CharField("состояние", max_length=8, choices=State, default=State.NEW)
    tags = models.ManyToManyField(OpinionTag, blank=True, related_name="+", verbose_name="метки")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кому передан")
    task = models.CharField("что сделать", max_length=500, blank=True)
    proposal = models.ForeignKey(
        Proposal, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="предложение в Базу знаний"
    )
    handed_at = models.DateTimeField("когда передан", null=True, blank=True)
    handed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто передал"
    )
    outcome = models.CharField("что сделано", max_length=500, blank=True)
    ended_at = models.DateTimeField("когда решено", null=True, blank=True)
    ended_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил"
    )

    class Meta:
        verbose_name = "разбор отзыва"
        verbose_name_plural = "разбор отзывов"

    def __str__(self) -> str:
        return f"разбор отзыва {self.response_id}"
