"""Requests for information to other bodies: their term, the letter, what they answered."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal
from otklik.core.models import TermRule
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage, Thread
from otklik.people.models import Employee


class InquiryRule(models.Model):
    """How long another body has to answer, and by which article: a row with validity dates."""

    name = models.CharField("кого и о чём", max_length=300)
    days = models.PositiveSmallIntegerField("дней")
    unit = models.CharField("какие дни", max_length=10, choices=TermRule.Unit, default=TermRule.Unit.CALENDAR)
    roll = models.CharField(
        "если последний день нерабочий", max_length=20, choices=TermRule.Roll, default=TermRule.Roll.NEXT
    )
    basis = models.CharField("статья", max_length=300)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "срок запроса сведений"
        verbose_name_plural = "сроки запросов сведений"
        ordering = ["name", "valid_from"]
        constraints = [
            models.UniqueConstraint("name", "valid_from", name="inquiry_rule_once"),
            models.CheckConstraint(condition=Q(days__gte=1), name="inquiry_rule_has_days"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="inquiry_rule_validity"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.days} ({self.basis})"


class Inquiry(models.Model):
    """Запрос сведений: a letter to another body, in a thread of its own; waiting for it never stops the clock."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="inquiries", verbose_name="обращение")
    number = models.CharField("исходящий номер", max_length=80, unique=True)
    on = models.DateField("дата")
    rule = models.ForeignKey(InquiryRule, models.PROTECT, related_name="+", verbose_name="срок ответа")
    body = models.CharField("какому органу", max_length=300)
    channel = models.CharField("чем отправлен", max_length=32, choices=ChannelCode)
    address = models.CharField("адрес", max_length=500)
    text = models.TextField("текст")
    due_on = models.DateField("контрольный срок")
    why = models.JSONField("почему эта дата", help_text="По дням: дата, счёт, пояснение.")
    thread = models.OneToOneField(Thread, models.PROTECT, related_name="inquiry", verbose_name="переписка")
    message = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="+", verbose_name="исходящее сообщение"
    )
    made_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто подготовил")
    made_at = models.DateTimeField("когда подготовлен", auto_now_add=True)
    reminded_on = models.DateField("напомнили", null=True, blank=True)
    answered_on = models.DateField("ответ получен", null=True, blank=True)
    withdrawn_on = models.DateField("отозван", null=True, blank=True)
    withdrawn_why = models.CharField("почему отозван", max_length=300, blank=True)

    class Meta:
        verbose_name = "запрос сведений"
        verbose_name_plural = "запросы сведений"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(due_on__gt=F("on")), name="inquiry_due_after_sending"),
            models.CheckConstraint(
                condition=Q(withdrawn_on=None) | ~Q(withdrawn_why=""), name="inquiry_withdrawn_with_a_reason"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_on"], condition=Q(answered_on=None, withdrawn_on=None), name="inquiry_waiting_by_term"
            )
        ]

    def __str__(self) -> str:
        return self.number


class InquiryReply(models.Model):
    """An incoming message of the appeal that answers a request: it is no word of the applicant."""

    inquiry = models.ForeignKey(Inquiry, models.CASCADE, related_name="replies", verbose_name="запрос")
    message = models.OneToOneField(
        IncomingMessage, models.PROTECT, related_name="answers_inquiry", verbose_name="сообщение"
    )
    linked_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто отметил"
    )
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "ответ на запрос сведений"
        verbose_name_plural = "ответы на запросы сведений"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"ответ на запрос {self.pk}"
