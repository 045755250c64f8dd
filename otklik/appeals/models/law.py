"""What changes a term or sends a matter on: an extension, a control term, a forwarding to other bodies."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal, AppealQuestion
from otklik.core.models import TermRule
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Employee


class TermExtension(models.Model):
    """The one lawful extension of a case's term: who decided, why, and the notice the applicant got."""

    appeal = models.OneToOneField(Appeal, models.PROTECT, related_name="extension", verbose_name="обращение")
    rule = models.ForeignKey(TermRule, models.PROTECT, related_name="+", verbose_name="правило продления")
    days = models.PositiveSmallIntegerField("на сколько дней")
    was_due_on = models.DateField("первоначальный срок")
    due_on = models.DateField("срок после продления")
    reason = models.CharField("почему", max_length=500)
    decided_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто решил")
    decided_on = models.DateField("когда решено")
    notice = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="+", verbose_name="уведомление заявителя"
    )
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесено", auto_now_add=True)

    class Meta:
        verbose_name = "продление срока"
        verbose_name_plural = "продления сроков"
        constraints = [
            models.CheckConstraint(condition=Q(decided_on__lte=F("was_due_on")), name="extended_in_time"),
            models.CheckConstraint(condition=Q(days__gte=1) & ~Q(reason=""), name="extended_with_a_reason"),
        ]

    def __str__(self) -> str:
        return f"продление {self.appeal_id} на {self.days}"


class ControlTerm(models.Model):
    """A day set by a higher body; the earlier of it and our own term counts. Lifted, it stays with the reason."""

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="control_terms", verbose_name="обращение")
    until = models.DateField("контрольный срок")
    body = models.CharField("кто установил", max_length=300)
    basis = models.CharField("документ", max_length=300, blank=True, help_text="Номер и дата письма.")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесён", auto_now_add=True)
    lifted_at = models.DateTimeField("когда снят", null=True, blank=True)
    lifted_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто снял"
    )
    lifted_why = models.CharField("почему снят", max_length=300, blank=True)

    class Meta:
        verbose_name = "контрольный срок"
        verbose_name_plural = "контрольные сроки"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("appeal", condition=Q(lifted_at=None), name="one_control_term"),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None, lifted_why="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lifted_why="")),
                name="control_lifted_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"контрольный срок {self.until:%d.%m.%Y}"


class Forwarding(models.Model):
    """A decision to send a matter on: as a whole, which ends it here, or in part while we answer the rest."""

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="forwardings", verbose_name="обращение")
    whole = models.BooleanField("целиком")
    due_on = models.DateField("переслать до", null=True, blank=True)
    basis = models.CharField("основание", max_length=300)
    late_why = models.CharField("почему позже срока", max_length=300, blank=True)
    complained_of = models.CharField("на кого жалуются", max_length=300, blank=True)
    control_on = models.DateField("ждём ответа до", null=True, blank=True)
    told_on = models.DateField("сведения получены", null=True, blank=True)
    told_what = models.CharField("что сообщили", max_length=500, blank=True)
    signer = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто подписал")
    notice = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="+", verbose_name="уведомление заявителя"
    )
    forwarded_on = models.DateField("когда переслано")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто переслал")
    at = models.DateTimeField("когда внесено", auto_now_add=True)

    class Meta:
        verbose_name = "переадресация"
        verbose_name_plural = "переадресации"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("appeal", condition=Q(whole=True), name="forwarded_whole_once")]

    def __str__(self) -> str:
        return f"переадресация {self.appeal_id}"


class ForwardedCopy(models.Model):
    """One body a matter was sent to, with the questions it is asked to answer; none named: with all of them."""

    forwarding = models.ForeignKey(Forwarding, models.CASCADE, related_name="copies", verbose_name="переадресация")
    body = models.CharField("куда", max_length=300)
    channel = models.CharField("как отправлено", max_length=32, choices=ChannelCode)
    address = models.CharField("адрес", max_length=500)
    questions = models.ManyToManyField(AppealQuestion, related_name="+", verbose_name="вопросы")
    letter = models.OneToOneField(OutgoingMessage, models.PROTECT, related_name="+", verbose_name="письмо")

    class Meta:
        verbose_name = "переадресованный экземпляр"
        verbose_name_plural = "переадресованные экземпляры"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.body
