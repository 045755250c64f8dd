"""The tracked matter and every trace its steps leave. The steps themselves are in the files named after them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from otklik.appeals import ways
from otklik.core.models import Regime, StoredFile, TermRule
from otklik.correspondence.models import (
    ChannelCode,
    ContactPoint,
    IncomingMessage,
    OutgoingMessage,
    Thread,
)
from otklik.people.models import Applicant, Employee, Unit
from otklik.surveys.models import Invitation


class Topic(models.Model):
    """A code of the thematic classifier: `SSSS.TTTT.QQQQ.LLLL[.PPPP]`, with version and dates."""

    code = models.CharField("код", max_length=24)
    version = models.CharField("версия классификатора", max_length=20)
    name = models.CharField("название", max_length=500)
    parent_code = models.CharField("входит в", max_length=24, blank=True)
    leaf = models.BooleanField("можно присвоить", default=True)
    unit = models.ForeignKey(
        Unit, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="обычно исполняет"
    )
    hints = models.TextField("слова-подсказки", blank=True, help_text="Через запятую: по ним предлагается тема.")
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "тема"
        verbose_name_plural = "темы"
        ordering = ["code"]
        constraints = [models.UniqueConstraint("code", "version", name="topic_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class ChannelDefault(models.Model):
    """What a clerk is offered at registration for a message of one channel; the clerk decides.

    Sender identification (ЕСИА) changes the regime of the same channel, hence the second key.
    """

    channel = models.CharField("канал", max_length=32, choices=ChannelCode)
    identified = models.BooleanField("отправитель подтвердил личность", default=False)
    regime = models.ForeignKey(Regime, models.PROTECT, related_name="+", verbose_name="режим рассмотрения")
    written = models.BooleanField("письменное", default=True)
    why = models.CharField("почему", max_length=300)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "режим по умолчанию для канала"
        verbose_name_plural = "режимы по умолчанию для каналов"
        ordering = ["channel", "identified", "valid_from"]
        constraints = [models.UniqueConstraint("channel", "identified", "valid_from", name="channel_default_once")]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.regime_id}"


class Need(models.Model):
    """A typical client need, the second axis of п. 9.1; the registry unit keeps the dictionary."""

    code = models.SlugField("код", max_length=60, unique=True)
    name = models.CharField("название", max_length=200)
    hints = models.TextField("слова-подсказки", blank=True)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "типовая потребность"
        verbose_name_plural = "типовые потребности"
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name


class NumberCounter(models.Model):
    """The last number given out by our own pattern in one year."""

    year = models.PositiveSmallIntegerField("год", primary_key=True)
    last = models.PositiveIntegerField("последний номер", default=0)

    class Meta:
        verbose_name = "счётчик номеров"
        verbose_name_plural = "счётчики номеров"

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


# The year, the number and, where wanted, up to how many signs it is filled with noughts; nothing else is formatted.
_FIELDS: Final = re.compile(r"\{year\}|\{seq(?::0?1?\dd)?\}")


def wrong_pattern(text: str) -> str:
    """Say what is wrong with a pattern of numbers; empty where nothing is."""
    if set("{}") & set(_FIELDS.sub("", text)):
        return f"«{text}»: в образце номера могут стоять только {{year}} и {{seq}}, например О-{{year}}-{{seq:06d}}"
    if "{year}" not in text or "{seq" not in text:
        return f"«{text}»: в образце номера нужны и {{year}}, и {{seq}}, иначе номера повторятся"
    return f"«{text}»: номер длиннее 60 знаков" if len(text.format(year=2026, seq=999_999)) > 60 else ""


class NumberPattern(models.Model):
    """How our own numbers look; the newest valid row counts. Fields: {year}, {seq}."""

    pattern = models.CharField("образец", max_length=60, default="О-{year}-{seq:06d}")
    valid_from = models.DateField("действует с")

    class Meta:
        verbose_name = "образец номера"
        verbose_name_plural = "образцы номеров"
        ordering = ["-valid_from"]

    def __str__(self) -> str:
        return self.pattern

    def clean(self) -> None:
        """Refuse a pattern that would make no numbers, or the same one twice: registration would stop for everybody."""
        if wrong := wrong_pattern(self.pattern):
            raise ValidationError({"pattern": wrong})


FINISHED: Final = ("sent", "closed")  # statuses of an appeal that waits for nobody's step
# The day a case ended: its answer left, or it was closed without one. Figures ask by it; it has an index.
ENDED: Final = Coalesce("answered_on", "closed_on")


class Appeal(models.Model):
    """Обращение: one tracked matter of any regime, from registration to the closing of its case."""

    class Status(models.TextChoices):
        REGISTERED = "registered", "зарегистрировано"
        CLASSIFIED = "classified", "классифицировано"
        ASSIGNED = "assigned", "назначено"
        DRAFTING = "drafting", "готовится ответ"
        APPROVAL = "approval", "на согласовании"
        SIGNING = "signing", "на подписи"
        SIGNED = "signed", "подписано"
        SENT = "sent", "ответ отправлен"
        CLOSED = "closed", "закрыто"

    class NumberSource(models.TextChoices):
        OWN = "own", "номер Отклика"
        SED = "sed", "номер из СЭД"

    class Origin(models.TextChoices):
        LIVE = "live", "заведено здесь"
        IMPORTED = "imported", "перенесено из прежней системы"

    number = models.CharField("номер", max_length=60, unique=True)
    number_source = models.CharField("откуда номер", max_length=4, choices=NumberSource, default=NumberSource.OWN)
    secret = models.CharField("код для проверки состояния", max_length=20)
    status = models.CharField("состояние", max_length=12, choices=Status, default=Status.REGISTERED)
    origin = models.CharField("происхождение", max_length=8, choices=Origin, default=Origin.LIVE)
    regime = models.ForeignKey(Regime, models.PROTECT, related_name="+", verbose_name="режим рассмотрения")
    channel = models.CharField("канал", max_length=32, choices=ChannelCode)
    contact_point = models.ForeignKey(
        ContactPoint, models.PROTECT, related_name="+", verbose_name="точка взаимодействия"
    )
    written = models.BooleanField("письменное", default=True)
    needs_answer = models.BooleanField("требует ответа по существу")
    received_on = models.DateField("поступило")
    registered_on = models.DateField("зарегистрировано")
    registered_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто зарегистрировал")
    subject = models.CharField("краткое содержание", max_length=300)
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="appeals", verbose_name="заявитель")
    thread = models.OneToOneField(Thread, models.PROTECT, related_name="appeal", verbose_name="переписка")
    answer_channel = models.CharField("как ответить", max_length=32, choices=ChannelCode)
    answer_address = models.CharField("куда ответить", max_length=500, blank=True)
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="подразделение"
    )
    executor = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="исполнитель"
    )
    co_executors = models.ManyToManyField(
        Employee, through="CoExecutor", related_name="+", verbose_name="соисполнители"
    )
    due_on = models.DateField("ответить до", null=True, blank=True)
    internal_due_on = models.DateField("внутренний срок", null=True, blank=True)
    answered_on = models.DateField("ответ отправлен", null=True, blank=True)
    closed_on = models.DateField("закрыто", null=True, blank=True)
    close_reason = models.CharField("почему закрыто", max_length=300, blank=True)
    unseen_reply = models.BooleanField("заявитель написал ещё", default=False)
    invitation = models.OneToOneField(
        Invitation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="приглашение к отзыву",
    )
    version = models.PositiveIntegerField("версия", default=1)
    created_at = models.DateTimeField("заведено", auto_now_add=True)
    status_since = models.DateTimeField("в этом состоянии с", auto_now_add=True)

    class Meta:
        verbose_name = "обращение"
        verbose_name_plural = "обращения"
        indexes = [
            models.Index(fields=["status", "due_on", "id"], name="appeal_queue"),
            models.Index(fields=["executor", "status", "due_on"], name="appeal_mine"),
            models.Index(fields=["unit", "status", "due_on"], name="appeal_unit"),
            models.Index(fields=["-registered_on", "-id"], name="appeal_newest"),
            models.Index(fields=["applicant"], name="appeal_of_applicant"),
            # What is closed is many times more than what is open, and no list by term asks for it.
            models.Index(fields=["due_on", "id"], condition=~Q(status__in=FINISHED), name="appeal_open_by_term"),
            models.Index(fields=["id"], condition=Q(unseen_reply=True), name="appeal_unseen_reply"),
            models.Index(Coalesce("answered_on", "closed_on").desc(), F("id").desc(), name="appeal_ended"),
        ]
        constraints = [
            # A term never precedes its starting event, and registration never precedes arrival.
            models.CheckConstraint(condition=Q(registered_on__gte=F("received_on")), name="registered_after_arrival"),
            models.CheckConstraint(
                condition=Q(due_on__isnull=True) | Q(due_on__gte=F("registered_on")),
                name="due_after_registration",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def answer_way(self) -> str:
        """Return how the answer goes, in words."""
        return ways.name(self.answer_channel)


class AppealMessage(models.Model):
    """An incoming message taken by an appeal; a message belongs to one appeal at most."""

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="messages", verbose_name="обращение")
    message = models.OneToOneField(IncomingMessage, models.PROTECT, related_name="taken", verbose_name="сообщение")
    first = models.BooleanField("с него началось", default=False)
    at = models.DateTimeField("когда присоединено", auto_now_add=True)

    class Meta:
        verbose_name = "сообщение обращения"
        verbose_name_plural = "сообщения обращений"
        constraints = [models.UniqueConstraint("appeal", condition=Q(first=True), name="appeal_starts_once")]

    def __str__(self) -> str:
        return f"{self.appeal_id}: {self.message_id}"


class AppealTerm(models.Model):
    """A derived date with its grounds. Recomputed, never typed; the newest row of a step counts."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="term_rows", verbose_name="обращение")
    step = models.CharField("что", max_length=12, choices=TermRule.Step)
    rule = models.ForeignKey(TermRule, models.PROTECT, related_name="+", verbose_name="правило")
    start_on = models.DateField("от какого события")
    due_on = models.DateField("срок")
    why = models.JSONField("почему эта дата", help_text="По дням: дата, счёт, пояснение.")
    computed_at = models.DateTimeField("рассчитано", auto_now_add=True)
    reason = models.CharField("почему пересчитано", max_length=300, blank=True)

    class Meta:
        verbose_name = "срок обращения"
        verbose_name_plural = "сроки обращений"
        ordering = ["appeal", "step", "-id"]
        constraints = [models.CheckConstraint(condition=Q(due_on__gte=F("start_on")), name="term_after_start")]

    def __str__(self) -> str:
        return f"{self.get_step_display()} до {self.due_on:%d.%m.%Y}"


class AppealPause(models.Model):
    """An interval in which the term does not run; exists only where the regime names an article."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="pauses", verbose_name="обращение")
    starts_on = models.DateField("с")
    ends_on = models.DateField("по", null=True, blank=True)
    basis = models.CharField("статья", max_length=300)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто")

    class Meta:
        verbose_name = "приостановление срока"
        verbose_name_plural = "приостановления сроков"
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="pause_dates"
            ),
            models.CheckConstraint(condition=~Q(basis=""), name="pause_has_basis"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on:%d.%m.%Y} — {self.ends_on or '…'}"


class AppealQuestion(models.Model):
    """Вопрос обращения: one topic and one need. Proposed by anyone, confirmed by the registry unit only."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="questions", verbose_name="обращение")
    topic = models.ForeignKey(Topic, models.PROTECT, related_name="+", verbose_name="тема")
    need = models.ForeignKey(Need, models.PROTECT, related_name="+", verbose_name="типовая потребность")
    proposed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто предложил"
    )
    confirmed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто подтвердил"
    )
    confirmed_at = models.DateTimeField("когда подтверждено", null=True, blank=True)

    class Meta:
        verbose_name = "вопрос обращения"
        verbose_name_plural = "вопросы обращений"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("appeal", "topic", "need", name="question_once")]

    def __str__(self) -> str:
        return f"вопрос {self.pk}"


class CoExecutor(models.Model):
    """An employee who helps the executor."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="helpers", verbose_name="обращение")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="сотрудник")

    class Meta:
        verbose_name = "соисполнитель"
        verbose_name_plural = "соисполнители"
        constraints = [models.UniqueConstraint("appeal", "employee", name="helper_once")]

    def __str__(self) -> str:
        return f"{self.employee}"


class Note(models.Model):
    """An internal note: seen by employees only, never sent."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="notes", verbose_name="обращение")
    author = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="автор")
    text = models.TextField("текст")
    mentions = models.JSONField("упомянуты", default=list, blank=True, help_text="Как имена стоят в тексте.")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "заметка"
        verbose_name_plural = "заметки"
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"заметка {self.pk}"


class Draft(models.Model):
    """The answer being written. `version` grows with every save: a save names the version it starts from."""

    appeal = models.OneToOneField(Appeal, models.CASCADE, related_name="draft", verbose_name="обращение")
    text = models.TextField("текст", blank=True)
    version = models.PositiveIntegerField("версия", default=0)
    saved_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сохранил"
    )
    saved_at = models.DateTimeField("сохранено", null=True, blank=True)

    class Meta:
        verbose_name = "проект ответа"
        verbose_name_plural = "проекты ответов"

    def __str__(self) -> str:
        return f"проект {self.pk}"


class DraftRevision(models.Model):
    """A kept state of the draft; approvals point at one. Never edited once kept."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="revisions", verbose_name="проект")
    seq = models.PositiveIntegerField("номер")
    version = models.PositiveIntegerField("версия проекта", help_text="Редакция действует, пока у проекта эта версия.")
    text = models.TextField("текст")
    author = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="автор")
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "редакция проекта"
        verbose_name_plural = "редакции проектов"
        ordering = ["draft", "seq"]
        constraints = [models.UniqueConstraint("draft", "seq", name="revision_once")]

    def __str__(self) -> str:
        return f"редакция {self.seq}"


class DraftFile(models.Model):
    """A file to go out with the answer."""

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="files", verbose_name="проект")
    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя", max_length=300)

    class Meta:
        verbose_name = "приложение к ответу"
        verbose_name_plural = "приложения к ответам"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"приложение {self.pk}"


class Citation(models.Model):
    """A material used in the draft, with its version (п. 14.1). `material` and `revision` are knowledge's ids.

    `stale` says why it needed a `reason`: its check was overdue, or what it stands on had changed.
    """

    version_on: date | None = None  # of which day the version is; set by `drafting.dated`

    class How(models.TextChoices):
        TEXT = "text", "текст"
        LINK = "link", "ссылка"

    draft = models.ForeignKey(Draft, models.CASCADE, related_name="citations", verbose_name="проект")
    material = models.PositiveBigIntegerField("материал")
    revision = models.PositiveBigIntegerField("версия материала")
    title = models.CharField("название", max_length=300)
    how = models.CharField("что вставлено", max_length=4, choices=How, default=How.TEXT)
    stale = models.CharField("чем ненадёжен", max_length=200, blank=True)
    reason = models.TextField("почему всё же использован", blank=True)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто вставил")
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "использованный материал"
        verbose_name_plural = "использованные материалы"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(stale="") | ~Q(reason=""), name="stale_material_with_a_reason"),
        ]
        indexes = [models.Index(fields=["material", "-at"], name="citations_of_material")]

    def __str__(self) -> str:
        return self.title


class Approval(models.Model):
    """A decision about one revision. A later edit of the draft needs a new one."""

    class Decision(models.TextChoices):
        WAITING = "waiting", "ждёт решения"
        APPROVED = "approved", "согласовано"
        RETURNED = "returned", "возвращено"

    revision = models.ForeignKey(DraftRevision, models.PROTECT, related_name="approvals", verbose_name="редакция")
    approver = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто согласует")
    decision = models.CharField("решение", max_length=10, choices=Decision, default=Decision.WAITING)
    remark = models.TextField("замечания", blank=True)
    asked_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто попросил")
    asked_at = models.DateTimeField("когда передано")
    decided_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил"
    )
    decided_at = models.DateTimeField("когда решено", null=True, blank=True)

    class Meta:
        verbose_name = "согласование"
        verbose_name_plural = "согласования"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("revision", "approver", name="approval_once")]

    def __str__(self) -> str:
        return f"согласование {self.pk}"


class FixedSigner(models.Model):
    """Who alone may sign the answer: he held the personal reception (п. 35.3). Released by a recorded decision only."""

    class Ground(models.TextChoices):
        """What alone releases him."""

        POWERS_ENDED = "powers_ended", "полномочия того, кто вёл приём, прекратились"
        ABSENT = "absent", "его отсутствие нарушит срок ответа"

    appeal = models.OneToOneField(
        Appeal, models.PROTECT, related_name="fixed_signer", verbose_name="обращение с личного приёма"
    )
    signer = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто вёл приём")
    why = models.CharField("почему он", max_length=300, help_text="Карточка приёма и её день.")
    made_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто закрепил")
    made_at = models.DateTimeField("когда закреплён", auto_now_add=True)
    receives_until = models.DateField(
        "вправе вести приём по", null=True, blank=True, help_text="Переносится из полномочий на приём, когда решают."
    )
    released_to = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто подпишет вместо него"
    )
    released_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил"
    )
    released_at = models.DateTimeField("когда решено", null=True, blank=True)
    ground = models.CharField("основание", max_length=14, choices=Ground, blank=True)
    note = models.CharField("чем подтверждается", max_length=300, blank=True)

    class Meta:
        verbose_name = "закреплённый подписывающий"
        verbose_name_plural = "закреплённые подписывающие"
        constraints = [
            models.CheckConstraint(
                condition=Q(released_to=None, released_by=None, released_at=None, ground="")
                | (
                    Q(released_to__isnull=False, released_by__isnull=False, released_at__isnull=False)
                    & ~Q(ground="")
                    & ~Q(note="")
                ),
                name="signer_released_with_a_ground",
            ),
            models.CheckConstraint(
                condition=Q(released_to=None) | ~Q(released_to=F("signer")), name="signer_released_to_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.appeal}: {self.now}"

    @property
    def now(self) -> Employee:
        """Return who alone may sign as things stand."""
        return self.released_to or self.signer


class FrozenAnswer(models.Model):
    """«К подписи»: text and attachments as they will go out, hashed. Never changes; a new freeze replaces it."""

    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="frozen", verbose_name="обращение")
    revision = models.ForeignKey(DraftRevision, models.PROTECT, related_name="+", verbose_name="редакция")
    signer = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто подписывает")
    bound_signer = models.ForeignKey(
        Employee,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="кто один вправе подписать",
        help_text="Ответ с личного приёма (п. 35.3).",
    )
    text = models.TextField("текст")
    letter = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="письмо (PDF)")
    manifest = models.JSONField("состав", help_text="Имена, размеры и SHA-256 письма и приложений.")
    digest = models.CharField("хеш состава", max_length=64)
    frozen_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто передал")
    frozen_at = models.DateTimeField("когда")
    withdrawn_at = models.DateTimeField("отозвано", null=True, blank=True)
    followed_at = models.DateTimeField(
        "готовится следующий ответ", null=True, blank=True, help_text="Этот ответ отправлен, заявитель написал ещё."
    )

    class Meta:
        verbose_name = "ответ к подписи"
        verbose_name_plural = "ответы к подписи"
        constraints = [
            models.UniqueConstraint(
                "appeal",
                condition=Q(withdrawn_at__isnull=True, followed_at__isnull=True),
                name="one_answer_to_sign",
            ),
            models.CheckConstraint(
                condition=Q(bound_signer=None) | Q(bound_signer=F("signer")), name="answer_signed_by_whom_it_binds"
            ),
        ]

    def __str__(self) -> str:
        return f"к подписи {self.pk}"


class Signature(models.Model):
    """How the frozen answer was signed. One per answer: of two signers one succeeds."""

    class Way(models.TextChoices):
        UKEP = "ukep", "электронная подпись (УКЭП)"
        PAPER = "paper", "подписано на бумаге, скан заверен"
        SED = "sed", "подписано в СЭД"
        HEAD = "head", "согласовано начальником (без подписи)"

    answer = models.OneToOneField(FrozenAnswer, models.PROTECT, related_name="signature", verbose_name="ответ")
    way = models.CharField("способ", max_length=8, choices=Way)
    signer = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто подписал")
    bound_signer = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто один был вправе"
    )
    signed_on = models.DateField("дата подписания")
    file = models.ForeignKey(
        StoredFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="файл подписи или скан",
    )
    certificate = models.JSONField("сведения о сертификате", default=dict, blank=True)
    sed_number = models.CharField("номер в СЭД", max_length=60, blank=True)
    recorded_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    recorded_at = models.DateTimeField("когда внесено")

    class Meta:
        verbose_name = "подпись"
        verbose_name_plural = "подписи"
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(way="ukep", file__isnull=False)
                    | Q(way="paper", file__isnull=False)
                    | (Q(way="sed") & ~Q(sed_number=""))
                    | Q(way="head")
                ),
                name="signature_has_its_proof",
            ),
            models.CheckConstraint(
                condition=Q(bound_signer=None) | (Q(bound_signer=F("signer")) & ~Q(way="head")),
                name="signature_of_whom_it_binds",
            ),
        ]

    def __str__(self) -> str:
        return f"подпись {self.pk}"


class Dispatch(models.Model):
    """An answer on its way to the applicant; the delivery state is the outgoing message's."""

    answer = models.OneToOneField(FrozenAnswer, models.PROTECT, related_name="dispatch", verbose_name="ответ")
    message = models.OneToOneField(
        OutgoingMessage, models.PROTECT, related_name="+", verbose_name="исходящее сообщение"
    )
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто отправил")
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "отправка ответа"
        verbose_name_plural = "отправки ответов"

    def __str__(self) -> str:
        return f"отправка {self.pk}"


class BulkRun(models.Model):
    """One step over many appeals: tried first, then done one by one, and taken back as a whole."""

    class Action(models.TextChoices):
        ASSIGN = "assign", "назначить исполнителя"
        SEND = "send", "отправить подписанные ответы"
        CLOSE = "close", "закрыть"
        READ = "read", "отметить ответы заявителей прочитанными"

    class State(models.TextChoices):
        NEW = "new", "не указано, что сделать"
        CHECKING = "checking", "проверяется"
        CHECKED = "checked", "проверено"
        RUNNING = "running", "выполняется"
        DONE = "done", "выполнено"
        UNDOING = "undoing", "отменяется"
        UNDONE = "undone", "отменено"

    owner = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто делает")
    action = models.CharField("что сделать", max_length=10, choices=Action)
    params = models.JSONField("чем", default=dict, blank=True)
    state = models.CharField("состояние", max_length=10, choices=State, default=State.NEW)
    back = models.CharField("список", max_length=1000, blank=True)
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "действие с несколькими"
        verbose_name_plural = "действия с несколькими"
        indexes = [models.Index(fields=["state"], name="bulk_run_state")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.get_state_display()}"


class BulkItem(models.Model):
    """One appeal of a run; `before` is what undoing puts back, `version` what the run left."""

    class State(models.TextChoices):
        NEW = "new", "ждёт проверки"
        FITS = "fits", "получится"
        UNFIT = "unfit", "не получится"
        DONE = "done", "сделано"
        REFUSED = "refused", "не сделано"
        UNDONE = "undone", "отменено"
        KEPT = "kept", "не отменено"

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="items", verbose_name="действие")
    appeal = models.ForeignKey(Appeal, models.PROTECT, related_name="+", verbose_name="обращение")
    state = models.CharField("состояние", max_length=8, choices=State, default=State.NEW)
    why = models.CharField("почему", max_length=500, blank=True)
    before = models.JSONField("было", default=dict, blank=True)
    version = models.PositiveIntegerField("версия после", null=True)

    class Meta:
        verbose_name = "обращение в действии с несколькими"
        verbose_name_plural = "обращения в действии с несколькими"
        constraints = [models.UniqueConstraint("run", "appeal", name="bulk_item_once")]
        indexes = [models.Index(fields=["run", "state"], name="bulk_item_state")]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.appeal_id}: {self.get_state_display()}"
