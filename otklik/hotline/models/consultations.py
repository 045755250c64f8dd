"""A consultation: what was asked, by which script, what was read aloud, how it ended and what was said about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from otklik.appeals.models import Appeal, Need, Topic
from otklik.correspondence.models import IncomingMessage
from otklik.hotline.models.lines import Line
from otklik.people.models import Applicant
from otklik.surveys.models import Invitation


class Consultation(models.Model):
    """One oral consultation, ours or of the ЕКЦ; several calls where one was dropped and called back."""

    class Outcome(models.TextChoices):
        OPEN = "", "идёт"
        ANSWERED = "answered", "ответили"
        WRITTEN = "written", "письменное обращение"
        PROMISED = "promised", "перезвоним"
        TRANSFERRED = "transferred", "переведён"
        TO_EKC = "to_ekc", "передан в ЕКЦ"
        ENDED_BY_SCRIPT = "ended_by_script", "завершён по скрипту"
        DROPPED = "dropped", "сорвался"
        WRONG_NUMBER = "wrong_number", "ошибся номером"

    class Asked(models.TextChoices):
        """What became of the two questions of п. 27.3; a refusal is none of their answers."""

        NOT_YET = "", "ещё нет"
        ANSWERED = "answered", "ответил"
        REFUSED = "refused", "отказался"
        NOT_OFFERED = "not_offered", "не предложено"

    class NotOffered(models.TextChoices):
        HUNG_UP = "hung_up", "положил трубку"
        DROPPED = "dropped", "связь прервалась"
        ABUSIVE = "abusive", "разговор завершён по скрипту"
        TRANSFERRED = "transferred", "звонок переведён"
        OTHER = "other", "другое"

    line = models.ForeignKey(Line, models.PROTECT, related_name="+", verbose_name="линия")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="консультант"
    )
    operator = models.CharField("оператор ЕКЦ", max_length=120, blank=True)
    external_id = models.CharField("номер у ЕКЦ", max_length=120, blank=True)
    opened_at = models.DateTimeField("начата")
    closed_at = models.DateTimeField("завершена", null=True, blank=True)
    number = models.CharField("номер звонящего", max_length=40, blank=True)
    number_key = models.CharField("номер для сравнения", max_length=40, blank=True, db_index=True, editable=False)
    caller = models.CharField("как обращаться", max_length=200, blank=True)
    applicant = models.ForeignKey(
        Applicant, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="заявитель"
    )
    question = models.TextField("о чём спросили", blank=True)
    answer = models.TextField("что ответили", blank=True)
    version = models.PositiveIntegerField("версия", default=0, help_text="Растёт с каждым сохранением набранного.")
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="тема")
    need = models.ForeignKey(
        Need, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="типовая потребность"
    )
    outcome = models.CharField("итог", max_length=16, choices=Outcome, blank=True, default=Outcome.OPEN)
    asked = models.CharField("два вопроса", max_length=12, choices=Asked, blank=True, default=Asked.NOT_YET)
    not_offered = models.CharField("почему не предложено", max_length=12, choices=NotOffered, blank=True)
    not_offered_words = models.CharField("пояснение", max_length=200, blank=True)
    invitation = models.OneToOneField(
        Invitation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="анкета"
    )
    code_invitation = models.OneToOneField(
        Invitation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="приглашение с кодом",
        help_text="Одноразовый код назван звонящему: по нему отзыв с сайта виден здесь.",
    )
    told_of_qr = models.BooleanField("сказано о QR-коде", default=False)
    message = models.ForeignKey(
        IncomingMessage,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="сообщение со слов звонящего",
    )
    appeal = models.ForeignKey(
        Appeal, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="обращение, о котором говорили"
    )

    class Meta:
        verbose_name = "консультация"
        verbose_name_plural = "консультации"
        ordering = ["-opened_at", "-id"]
        indexes = [
            models.Index(fields=["line", "opened_at"], name="consultations_of_line"),
            models.Index(fields=["by", "opened_at"], name="consultations_of_employee"),
            models.Index(fields=["by"], name="consultations_open", condition=Q(outcome="")),
        ]
        constraints = [
            models.UniqueConstraint(
                "line", "external_id", condition=~Q(external_id=""), name="consultation_of_ekc_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", closed_at=None) | (~Q(outcome="") & Q(closed_at__isnull=False)),
                name="consultation_closed_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(asked="answered", invitation__isnull=False)
                | (~Q(asked="answered") & Q(invitation__isnull=True)),
                name="consultation_answers_are_kept",
            ),
            models.CheckConstraint(
                condition=Q(asked="not_offered") | Q(not_offered=""), name="consultation_not_offered_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"консультация № {self.pk}"


class Recognition(models.Model):
    """How the caller was recognised before anything of an open case was told (59-ФЗ, ст. 6); what failed, too."""

    class How(models.TextChoices):
        CODE = "code", "номер обращения и код"
        TWO_FACTS = "two_facts", "два совпавших сведения"

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="recognitions", verbose_name="консультация"
    )
    appeal = models.ForeignKey(
        Appeal,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="обращение",
        help_text="Пусто — не опознан, и о каком деле речь, не известно.",
    )
    how = models.CharField("как", max_length=10, choices=How)
    matched = models.JSONField("что совпало", default=list, help_text="Названия сведений, не сами сведения.")
    succeeded = models.BooleanField("опознан")
    at = models.DateTimeField("когда", auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто опознал")

    class Meta:
        verbose_name = "опознание звонящего"
        verbose_name_plural = "опознания звонящих"
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["by", "at"], name="recognitions_failed", condition=Q(succeeded=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(succeeded=False) | Q(appeal__isnull=False), name="recognised_for_an_appeal"
            )
        ]

    def __str__(self) -> str:
        return f"опознание {self.pk}"


class ScriptUse(models.Model):
    """A step of a script that was read in a consultation. Scripts change: the step is named, the version pinned."""

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="scripts", verbose_name="консультация")
    material = models.PositiveBigIntegerField("сценарий")
    revision = models.PositiveBigIntegerField("версия сценария", null=True)
    stage = models.CharField("этап", max_length=12)
    step = models.CharField("шаг", max_length=100)
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "прочитанный шаг сценария"
        verbose_name_plural = "прочитанные шаги сценария"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.step


class Hold(models.Model):
    """The caller was asked to wait, and told how long."""

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="holds", verbose_name="консультация")
    began_at = models.DateTimeField("с")
    announced = models.PositiveSmallIntegerField("обещано, с")
    ended_at = models.DateTimeField("до", null=True, blank=True)

    class Meta:
        verbose_name = "удержание"
        verbose_name_plural = "удержания"
        ordering = ["began_at", "id"]
        constraints = [
            models.UniqueConstraint("consultation", condition=Q(ended_at=None), name="hold_one_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"удержание {self.pk}"


class Transfer(models.Model):
    """The caller was handed over: to a colleague, to the ЕКЦ, or came from there."""

    class Where(models.TextChoices):
        EMPLOYEE = "employee", "сотруднику"
        EKC = "ekc", "в ЕКЦ"
        FROM_EKC = "from_ekc", "из ЕКЦ"
        OUTSIDE = "outside", "в другую организацию"

    class Result(models.TextChoices):
        WAITING = "", "соединяем"
        TAKEN = "taken", "принят"
        NOT_TAKEN = "not_taken", "не ответили, вернулся"
        TOLD_NUMBER = "told_number", "назван номер"

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="transfers", verbose_name="консультация"
    )
    where = models.CharField("куда", max_length=10, choices=Where)
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кому"
    )
    to_words = models.CharField("кому, словами", max_length=200, blank=True)
    why = models.CharField("почему", max_length=300)
    result = models.CharField("что вышло", max_length=12, choices=Result, blank=True, default=Result.WAITING)
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "перевод звонка"
        verbose_name_plural = "переводы звонков"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"перевод {self.pk}"


class Promise(models.Model):
    """«Перезвоню»: what the caller was promised and by when; kept, or called off with words."""

    class Outcome(models.TextChoices):
        OPEN = "", "ждёт"
        KEPT = "kept", "перезвонили"
        UNREACHABLE = "unreachable", "недоступен"
        CALLED_OFF = "called_off", "не нужно"

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="promises", verbose_name="консультация")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто обещал")
    number = models.CharField("номер", max_length=40)
    number_key = models.CharField("номер для сравнения", max_length=40, blank=True, db_index=True, editable=False)
    due_at = models.DateTimeField("обещано до")
    about = models.CharField("о чём", max_length=300)
    outcome = models.CharField("итог", max_length=12, choices=Outcome, blank=True, default=Outcome.OPEN)
    settled_at = models.DateTimeField("когда решено", null=True, blank=True)
    note = models.CharField("примечание", max_length=500, blank=True)

    class Meta:
        verbose_name = "обещание перезвонить"
        verbose_name_plural = "обещания перезвонить"
        ordering = ["due_at", "id"]
        indexes = [models.Index(fields=["due_at"], name="promises_open", condition=Q(outcome=""))]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", settled_at=None) | (~Q(outcome="") & Q(settled_at__isnull=False)),
                name="promise_settled_with_an_outcome",
            )
        ]

    def __str__(self) -> str:
        return f"обещание {self.pk}"
