"""Every message in and out, once. Knows no appeals: whoever above takes a message refers to it."""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from otklik.core import sniffing
from otklik.core.models import StoredFile


class ChannelCode(models.TextChoices):
    """The eleven channels of п. 3.1 (ВК and ОК apart), and MAX: beyond the order, off until it is switched on."""

    GOVERNOR = "governor_reception", "Общественная приёмная Губернатора"
    WEBSITE = "website", "сайт департамента"
    POST = "post", "почта"
    EMAIL = "email", "электронная почта"
    RECEPTION = "reception", "личный приём"
    MEDO = "medo", "МЭДО"
    VK = "vk", "ВКонтакте"
    OK = "ok", "Одноклассники"
    TELEGRAM = "telegram", "Telegram"
    POS = "pos", "ПОС «Решаем вместе»"
    HOTLINE = "hotline", "консультационная линия"
    EKC = "ekc", "ЕКЦ (110)"
    MAX = "max", "мессенджер MAX"


def new_token() -> str:
    """Return a token for a subject line or a plus-address: 10 characters no one confuses by eye."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(alphabet) for _ in range(10))


class ContactPoint(models.Model):
    """Точка взаимодействия: a mailbox, a form, a reception desk, a telephone line. A dictionary with dates."""

    code = models.SlugField("код", max_length=60, unique=True)
    name = models.CharField("название", max_length=200)
    channel = models.CharField("канал", max_length=32, choices=ChannelCode)
    address = models.CharField("адрес", max_length=300, blank=True, help_text="Ящик, телефон или страница.")
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "точка взаимодействия"
        verbose_name_plural = "точки взаимодействия"
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name


class Connection(models.Model):
    """What an administrator has written down to connect a channel, and how it has been working since."""

    channel = models.CharField("канал", max_length=32, choices=ChannelCode, unique=True)
    on = models.BooleanField("включён", default=False)
    sends = models.BooleanField("отправляет сам", default=False, help_text="Иначе ответ передаёт сотрудник.")
    values = models.JSONField("параметры", default=dict, blank=True)
    secrets = models.TextField("секреты, зашифрованы", blank=True)
    cursor = models.JSONField("докуда прочитано", default=dict, blank=True)
    silent_after = models.PositiveSmallIntegerField(
        "молчание, рабочих часов", null=True, blank=True, help_text="Дольше молчит — видно на странице каналов."
    )
    visited_at = models.DateTimeField("последнее обращение", null=True, blank=True)
    worked_at = models.DateTimeField("последнее удачное обращение", null=True, blank=True)
    error = models.CharField("последняя ошибка", max_length=500, blank=True)
    error_at = models.DateTimeField("когда", null=True, blank=True)
    failures = models.PositiveIntegerField("неудач подряд", default=0)
    not_before = models.DateTimeField("не обращаться раньше", null=True, blank=True)

    class Meta:
        verbose_name = "подключение канала"
        verbose_name_plural = "подключения каналов"

    def __str__(self) -> str:
        return self.channel


class ConnectionSwitch(models.Model):
    """A channel was switched on or off: since when, by whom and why."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="switches", verbose_name="подключение")
    on = models.BooleanField("включён")
    reason = models.CharField("причина", max_length=300, blank=True)
    at = models.DateTimeField("когда")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто"
    )

    class Meta:
        verbose_name = "переключение канала"
        verbose_name_plural = "переключения каналов"
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.connection} {self.at:%d.%m.%Y}"


class Outage(models.Model):
    """A time during which a channel did not work, or was silent for longer than is usual for it; told of once."""

    class Kind(models.TextChoices):
        FAILING = "failing", "не работает"
        SILENT = "silent", "молчит дольше обычного"

    channel = models.CharField("канал", max_length=32, choices=ChannelCode)
    kind = models.CharField("что случилось", max_length=8, choices=Kind)
    error = models.CharField("что ответила другая сторона", max_length=500, blank=True)
    began_at = models.DateTimeField("с какого времени")
    ended_at = models.DateTimeField("по какое время", null=True, blank=True)

    class Meta:
        verbose_name = "перебой канала"
        verbose_name_plural = "перебои каналов"
        ordering = ["-began_at", "-id"]
        constraints = [
            models.UniqueConstraint("channel", "kind", condition=Q(ended_at=None), name="outage_under_way_once")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.began_at:%d.%m.%Y}"


class SendingRule(models.Model):
    """How messages leave by a channel: how many at most, when they wait for the morning, when it is stopped."""

    channel = models.CharField("канал", max_length=32, choices=ChannelCode, unique=True)
    per_second = models.PositiveSmallIntegerField("сообщений в секунду, не больше", null=True, blank=True)
    per_minute = models.PositiveSmallIntegerField("сообщений в минуту, не больше", null=True, blank=True)
    quiet_from = models.TimeField("тихие часы с", null=True, blank=True)
    quiet_to = models.TimeField("тихие часы до", null=True, blank=True)
    quiet_for_answers = models.BooleanField(
        "подписанные ответы тоже ждут", default=False, help_text="Иначе ждут только автоматические и уведомления."
    )
    breaks_after = models.PositiveSmallIntegerField(
        "остановить после неудач подряд", default=5, help_text="0 — не останавливать."
    )

    class Meta:
        verbose_name = "порядок отправки"
        verbose_name_plural = "порядки отправки"

    def __str__(self) -> str:
        return self.channel


class SendingState(models.Model):
    """How sending by a channel is going: shared by all workers."""

    channel = models.CharField("канал", max_length=32, choices=ChannelCode, unique=True)
    taken = models.JSONField("когда уходили последние", default=list, blank=True)
    tried_at = models.DateTimeField("последняя попытка", null=True, blank=True)
    not_before = models.DateTimeField("просили не раньше", null=True, blank=True)
    failures = models.PositiveIntegerField("неудач подряд", default=0)
    broken_at = models.DateTimeField("остановлен с", null=True, blank=True)
    probe_at = models.DateTimeField("следующая проба", null=True, blank=True)
    probes = models.PositiveIntegerField("неудачных проб", default=0)
    error = models.CharField("последняя ошибка", max_length=500, blank=True)
    error_at = models.DateTimeField("когда", null=True, blank=True)

    class Meta:
        verbose_name = "ход отправки"
        verbose_name_plural = "ход отправки"

    def __str__(self) -> str:
        return self.channel


class Thread(models.Model):
    """A conversation with one applicant about one matter."""

    token = models.CharField("метка", max_length=12, unique=True, default=new_token)
    created_at = models.DateTimeField("начата", auto_now_add=True)

    class Meta:
        verbose_name = "переписка"
        verbose_name_plural = "переписки"

    def __str__(self) -> str:
        return self.token


MOVED_IN: Final = "journal:"  # how outer numbers of messages begin that were moved in out of another journal


class IncomingMessage(models.Model):
    """A message as it came. Unique on channel and external id; the raw bytes are a file that never changes."""

    class State(models.TextChoices):
        STORED = "stored", "принято, не разобрано"
        NEW = "new", "ждёт решения"
        QUARANTINED = "quarantined", "в карантине"
        REGISTERED = "registered", "зарегистрировано"
        JOINED = "joined", "присоединено"
        REJECTED = "rejected", "отклонено"

    class Match(models.TextChoices):
        """How sure the threading is."""

        NONE = "none", "новая переписка"
        CERTAIN = "certain", "ответ в переписке"
        DOUBTFUL = "doubtful", "похоже на ответ, нужно решение"

    class Machine(models.TextChoices):
        """Why no automatic letter may answer this one."""

        NO = "", "написал человек"
        AUTO = "auto", "автоматическое письмо"
        BULK = "bulk", "рассылка"
        BOUNCE = "bounce", "отчёт о доставке"

    channel = models.CharField("канал", max_length=32, choices=ChannelCode)
    external_id = models.CharField("внешний номер", max_length=500)
    digest = models.CharField("хеш содержания", max_length=64, help_text="Без того, что меняет доставка.")
    contact_point = models.ForeignKey(
        ContactPoint,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="точка взаимодействия",
    )
    raw = models.ForeignKey(
        StoredFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="оригинал",
        help_text="Пусто только у записанного вручную.",
    )
    received_at = models.DateTimeField("поступило")
    stored_at = models.DateTimeField("принято системой", auto_now_add=True)
    redelivered = models.PositiveIntegerField("повторных доставок", default=0)
    origin_imported = models.BooleanField("перенесено из прежней системы", default=False)

    state = models.CharField("состояние", max_length=12, choices=State, default=State.STORED)
    problem = models.TextField("что мешает", blank=True)
    parse_attempts = models.PositiveSmallIntegerField("попыток разбора", default=0)
    parse_started_at = models.DateTimeField("разбор начат", null=True, blank=True)
    reject_reason = models.CharField("причина отклонения", max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="кто решил",
    )
    decided_at = models.DateTimeField("когда решено", null=True, blank=True)

    sender_name = models.CharField("имя отправителя", max_length=300, blank=True)
    sender_address = models.CharField("адрес отправителя", max_length=320, blank=True)
    recipients = models.JSONField("кому", default=list, blank=True)
    subject = models.CharField("тема", max_length=500, blank=True)
    text = models.TextField("текст", blank=True)
    html = models.TextField("очищенная разметка", blank=True)
    sent_at = models.DateTimeField("написано", null=True, blank=True)
    message_id = models.CharField("Message-ID", max_length=500, blank=True, db_index=True)
    in_reply_to = models.CharField("In-Reply-To", max_length=500, blank=True, db_index=True)
    references = models.JSONField("References", default=list, blank=True)
    machine = models.CharField("кем написано", max_length=8, choices=Machine, blank=True, default=Machine.NO)
    notes = models.JSONField("замечания разбора", default=list, blank=True)

    thread = models.ForeignKey(
        Thread, models.PROTECT, null=True, blank=True, related_name="incoming", verbose_name="переписка"
    )
    match = models.CharField("совпадение", max_length=10, choices=Match, default=Match.NONE)
    match_reason = models.CharField("почему", max_length=300, blank=True)
    candidate_thread = models.ForeignKey(
        Thread, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="возможная переписка"
    )

    class Meta:
        verbose_name = "входящее сообщение"
        verbose_name_plural = "входящие сообщения"
        constraints = [models.UniqueConstraint("channel", "external_id", name="incoming_once")]
        indexes = [
            models.Index(fields=["state", "received_at"], name="incoming_waiting"),
            models.Index(fields=["sender_address"], name="incoming_sender"),
            models.Index(fields=["channel", "stored_at"], name="incoming_of_channel"),
            models.Index(fields=["channel", "stored_at"], name="incoming_lately", condition=Q(origin_imported=False)),
        ]

    def __str__(self) -> str:
        return f"входящее {self.pk}"

    @property
    def original_name(self) -> str:
        """Return the name under which the message is given out as it came: its end tells what opens it."""
        kept = sniffing.ENDS.get(self.raw.content_type, "txt") if self.raw else "txt"
        return f"сообщение-{self.pk}.{'eml' if self.channel == ChannelCode.EMAIL else kept}"


class IncomingFile(models.Model):
    """A file inside an incoming message."""

    message = models.ForeignKey(IncomingMessage, models.CASCADE, related_name="files", verbose_name="сообщение")
    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя", max_length=300)
    declared_type = models.CharField("заявленный вид", max_length=100, blank=True)
    inline = models.BooleanField("внутри текста", default=False)
    content_id = models.CharField("Content-ID", max_length=300, blank=True)
    problem = models.CharField("что не так", max_length=300, blank=True)

    class Meta:
        verbose_name = "вложение входящего"
        verbose_name_plural = "вложения входящих"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"вложение {self.pk}"


class MessageFacts(models.Model):
    """What a channel knows beyond the text; typed and versioned: a re-import adds a version, not a message."""

    message = models.ForeignKey(IncomingMessage, models.CASCADE, related_name="facts", verbose_name="сообщение")
    version = models.PositiveIntegerField("версия")
    schema = models.CharField("вид сведений", max_length=40)
    data = models.JSONField("сведения")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "сведения канала"
        verbose_name_plural = "сведения каналов"
        ordering = ["message", "version"]
        constraints = [models.UniqueConstraint("message", "version", name="facts_version_once")]

    def __str__(self) -> str:
        return f"{self.schema} v{self.version}"


class OutgoingMessage(models.Model):
    """A message to send. The row is the queue: nothing leaves before it is committed."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "уведомление о получении"
        HOW_TO_FILE = "how_to_file", "разъяснение, как подать обращение"
        ANSWER = "answer", "ответ"
        NOTICE = "notice", "уведомление"
        REPORT = "report", "отчёт отправителю"

    class State(models.TextChoices):
        QUEUED = "queued", "ждёт отправки"
        SENDING = "sending", "отправляется"
        SENT = "sent", "отправлено"
        FAILED = "failed", "не доставлено"
        UNCERTAIN = "uncertain", "неизвестно, дошло ли"
        CANCELLED = "cancelled", "отменено"
        BY_HAND = "by_hand", "отправить вручную"

    thread = models.ForeignKey(Thread, models.PROTECT, related_name="outgoing", verbose_name="переписка")
    channel = models.CharField("канал", max_length=32, choices=ChannelCode)
    kind = models.CharField("вид", max_length=12, choices=Kind)
    once_key = models.CharField(
        "ключ однократности",
        max_length=200,
        null=True,
        blank=True,
        unique=True,
        help_text="Автоматическое письмо с таким ключом может быть только одно.",
    )
    recipient = models.CharField("адрес", max_length=500)
    recipient_name = models.CharField("кому", max_length=300, blank=True)
    subject = models.CharField("тема", max_length=500, blank=True)
    text = models.TextField("текст")
    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    in_reply_to = models.CharField("In-Reply-To", max_length=500, blank=True)
    references = models.JSONField("References", default=list, blank=True)
    contact_point = models.ForeignKey(
        ContactPoint, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="с какого адреса"
    )
    automatic = models.BooleanField("автоматическое", default=False)
    origin_imported = models.BooleanField("перенесено из прежней системы", default=False)

    state = models.CharField("состояние", max_length=10, choices=State, default=State.QUEUED)
    not_before = models.DateTimeField("не раньше", help_text="До этого времени отправку можно отменить.")
    attempts = models.PositiveSmallIntegerField("попыток", default=0)
    uncertain_attempts = models.PositiveSmallIntegerField("попыток с неизвестным исходом", default=0)
    leased_by = models.CharField("кто отправляет", max_length=100, blank=True)
    leased_at = models.DateTimeField("взято в работу", null=True, blank=True)
    repeats_safely = models.BooleanField("повтор узнаётся", default=False, help_text="Получатель отличит повтор.")
    error = models.TextField("что ответила другая сторона", blank=True)
    sent_at = models.DateTimeField("отправлено", null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="кто отправил",
    )
    created_at = models.DateTimeField("создано", auto_now_add=True)

    class Meta:
        verbose_name = "исходящее сообщение"
        verbose_name_plural = "исходящие сообщения"
        indexes = [
            models.Index(fields=["not_before", "id"], condition=Q(state="queued"), name="outgoing_due"),
            models.Index(fields=["state"], name="outgoing_state"),
        ]

    def __str__(self) -> str:
        return f"исходящее {self.pk}"


class DeliveryReport(models.Model):
    """What a mail server reported about a letter of ours (RFC 3464): it may report several times."""

    class Action(models.TextChoices):
        FAILED = "failed", "не доставлено"
        DELAYED = "delayed", "задерживается"
        DELIVERED = "delivered", "доставлено"
        RELAYED = "relayed", "передано дальше, подтверждения не будет"
        EXPANDED = "expanded", "разослано по списку"

    letter = models.ForeignKey(OutgoingMessage, models.CASCADE, related_name="reports", verbose_name="наше письмо")
    message = models.ForeignKey(
        IncomingMessage, models.CASCADE, null=True, blank=True, related_name="+", verbose_name="сам отчёт"
    )
    action = models.CharField("что с письмом", max_length=10, choices=Action)
    status = models.CharField("код", max_length=20, blank=True, help_text="RFC 3463, например 5.1.1.")
    said = models.CharField("слова сервера", max_length=300, blank=True)
    at = models.DateTimeField("когда")

    class Meta:
        verbose_name = "отчёт о доставке"
        verbose_name_plural = "отчёты о доставке"
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint("letter", "message", "action", name="delivery_report_once")]

    def __str__(self) -> str:
        return f"отчёт {self.pk}"


class StaffLetter(models.Model):
    """A letter to an employee: what happened, a number and a link, never a citizen's data. The row is the queue."""

    class State(models.TextChoices):
        QUEUED = "queued", "ждёт отправки"
        SENDING = "sending", "отправляется"
        SENT = "sent", "отправлено"
        FAILED = "failed", "не доставлено"

    employee = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="сотрудник")
    recipient = models.CharField("адрес", max_length=320)
    subject = models.CharField("тема", max_length=300)
    text = models.TextField("текст")
    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.QUEUED)
    not_before = models.DateTimeField("не раньше")
    attempts = models.PositiveSmallIntegerField("попыток", default=0)
    leased_by = models.CharField("кто отправляет", max_length=100, blank=True)
    leased_at = models.DateTimeField("взято в работу", null=True, blank=True)
    error = models.CharField("что ответила другая сторона", max_length=500, blank=True)
    created_at = models.DateTimeField("создано", auto_now_add=True)
    sent_at = models.DateTimeField("отправлено", null=True, blank=True)

    class Meta:
        verbose_name = "письмо сотруднику"
        verbose_name_plural = "письма сотрудникам"
        indexes = [
            models.Index(fields=["not_before", "id"], condition=Q(state="queued"), name="staff_letter_due"),
            models.Index(fields=["state"], name="staff_letter_state"),
        ]

    def __str__(self) -> str:
        return f"письмо сотруднику {self.pk}"


class StaffLetterFile(models.Model):
    """A file that goes with a letter to an employee: made for it, nothing a citizen has sent or is named in."""

    letter = models.ForeignKey(StaffLetter, models.CASCADE, related_name="files", verbose_name="письмо сотруднику")
    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя", max_length=300)

    class Meta:
        verbose_name = "вложение письма сотруднику"
        verbose_name_plural = "вложения писем сотрудникам"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class OutgoingFile(models.Model):
    """A file that goes out with a message."""

    message = models.ForeignKey(OutgoingMessage, models.CASCADE, related_name="files", verbose_name="сообщение")
    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    name = models.CharField("имя", max_length=300)

    class Meta:
        verbose_name = "вложение исходящего"
        verbose_name_plural = "вложения исходящих"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"вложение {self.pk}"
