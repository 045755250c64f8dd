"""What the way of an answer keeps: routes of approval, remarks beside the text, looks before signing, rules of ways."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Approval, DraftRevision, FrozenAnswer
from otklik.core.models import Regime, StoredFile
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Employee, Unit


class ApprovalRoute(models.Model):
    """Who approves answers of a regime and a unit, in which order. The nearest that is in force is offered first."""

    name = models.CharField("название", max_length=150)
    regime = models.ForeignKey(
        Regime,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="режим рассмотрения",
        help_text="Пусто — для всех режимов.",
    )
    unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="подразделение исполнителя",
        help_text="Пусто — для всех подразделений.",
    )
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "маршрут согласования"
        verbose_name_plural = "маршруты согласования"
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="approval_route_dates"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RouteStop(models.Model):
    """One who approves on a route: a person, or whoever approves in a unit. Stops of one turn are asked together."""

    route = models.ForeignKey(ApprovalRoute, models.CASCADE, related_name="stops", verbose_name="маршрут")
    turn = models.PositiveSmallIntegerField("очередь", default=1, help_text="Одинаковая — согласуют одновременно.")
    employee = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="сотрудник"
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто согласует в подразделении"
    )

    class Meta:
        verbose_name = "шаг маршрута"
        verbose_name_plural = "шаги маршрутов"
        ordering = ["route", "turn", "id"]
        constraints = [
            # Neither: the unit of the appeal itself.
            models.CheckConstraint(condition=Q(employee=None) | Q(unit=None), name="route_stop_of_one")
        ]

    def __str__(self) -> str:
        return f"{self.turn}: {self.employee or self.unit or 'подразделение исполнителя'}"


class AwaitedApproval(models.Model):
    """Whose turn to approve a revision comes later: asked when everybody before him has approved."""

    revision = models.ForeignKey(DraftRevision, models.CASCADE, related_name="awaited", verbose_name="редакция")
    turn = models.PositiveSmallIntegerField("очередь")
    approver = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто согласует")
    asked_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто попросил")

    class Meta:
        verbose_name = "предстоящее согласование"
        verbose_name_plural = "предстоящие согласования"
        ordering = ["revision", "turn", "id"]
        constraints = [models.UniqueConstraint("revision", "approver", name="awaited_approval_once")]

    def __str__(self) -> str:
        return f"{self.turn}: {self.approver}"


class DraftVariant(models.Model):
    """A text of the answer kept beside the one in work under a name: typed here, or from a document that was brought.

    Its words, author and moment are its revision's; the document stays as it was brought.
    """

    revision = models.ForeignKey(DraftRevision, models.CASCADE, related_name="variants", verbose_name="редакция")
    name = models.CharField("название", max_length=100)
    file = models.ForeignKey(StoredFile, models.PROTECT, null=True, related_name="+", verbose_name="документ")
    file_name = models.CharField("имя документа", max_length=300, blank=True)
    put_away_at = models.DateTimeField("когда убран", null=True, blank=True)

    class Meta:
        verbose_name = "вариант ответа"
        verbose_name_plural = "варианты ответов"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("revision", condition=Q(put_away_at=None), name="draft_variant_once")]

    def __str__(self) -> str:
        return f"вариант {self.pk}"


class MarginRemark(models.Model):
    """A remark beside a passage of a revision; who writes the answer says what became of it."""

    stands: bool = True  # whether its words are in the text that is shown; set by `approval.remarks_of`

    revision = models.ForeignKey(DraftRevision, models.PROTECT, related_name="remarks", verbose_name="редакция")
    approval = models.ForeignKey(Approval, models.PROTECT, related_name="remarks", verbose_name="согласование")
    passage = models.TextField("место в тексте")
    text = models.TextField("замечание")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто заметил")
    at = models.DateTimeField("когда")
    done_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто учёл"
    )
    done_at = models.DateTimeField("когда учтено", null=True, blank=True)
    answer = models.CharField("что сделано", max_length=500, blank=True)

    class Meta:
        verbose_name = "замечание к тексту"
        verbose_name_plural = "замечания к тексту"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"замечание {self.pk}"


class LookBeforeSigning(models.Model):
    """Who is to sign has read the letter to its end: only such letters go into his package."""

    answer = models.ForeignKey(FrozenAnswer, models.PROTECT, related_name="looks", verbose_name="ответ")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто прочитал")
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "просмотр перед подписью"
        verbose_name_plural = "просмотры перед подписью"
        constraints = [models.UniqueConstraint("answer", "by", name="look_before_signing_once")]

    def __str__(self) -> str:
        return f"просмотр {self.pk}"


class AnswerRule(models.Model):
    """By which way an answer may go, by the regime and the form of the appeal. No row for a form: any way."""

    class Form(models.TextChoices):
        PAPER = "paper", "поступило на бумаге"
        ELECTRONIC = "electronic", "поступило в электронной форме"

    class Standing(models.TextChoices):
        MAIN = "main", "основной способ"
        COPY = "copy", "только дополнительная копия"
        AFTER = "after", "если основным способом не доставлено"

    regime = models.ForeignKey(Regime, models.PROTECT, related_name="+", verbose_name="режим рассмотрения")
    form = models.CharField("форма обращения", max_length=10, choices=Form)
    channel = models.CharField("способ ответа", max_length=32, choices=ChannelCode)
    standing = models.CharField("как допускается", max_length=5, choices=Standing)
    basis = models.CharField("основание", max_length=300)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "правило способа ответа"
        verbose_name_plural = "правила способов ответа"
        ordering = ["regime", "form", "standing", "channel", "valid_from"]
        constraints = [
            models.UniqueConstraint("regime", "form", "channel", "valid_from", name="answer_rule_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="answer_rule_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_form_display()}: {self.get_channel_display()} — {self.get_standing_display()}"


class ForeignMailRule(models.Model):
    """What is done with an answer to an address outside the Russian domains; the newest row that has begun counts."""

    class Mode(models.TextChoices):
        WARN = "warn", "предупреждать"
        FORBID = "forbid", "не отправлять"
        OFF = "off", "не проверять"

    mode = models.CharField("что делать", max_length=6, choices=Mode)
    basis = models.CharField("основание", max_length=300)
    valid_from = models.DateField("действует с", unique=True)

    class Meta:
        verbose_name = "правило об адресах вне российской зоны"
        verbose_name_plural = "правила об адресах вне российской зоны"
        ordering = ["-valid_from"]

    def __str__(self) -> str:
        return self.get_mode_display()


class AnswerCopy(models.Model):
    """A copy of an answer sent besides the answer itself: it replaces nothing."""

    answer = models.ForeignKey(FrozenAnswer, models.PROTECT, related_name="copies", verbose_name="ответ")
    message = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="+", verbose_name="исходящее сообщение"
    )
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто отправил")
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "копия ответа"
        verbose_name_plural = "копии ответов"

    def __str__(self) -> str:
        return f"копия {self.pk}"
