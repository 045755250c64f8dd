"""What the workplace remembers of its users: what they have open, the lists they have named, what they were told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from otklik.appeals.models import Appeal
from otklik.correspondence.models import IncomingMessage, StaffLetter
from otklik.people.models import Employee


class Presence(models.Model):
    """An employee at an appeal or at a message that waits: there until a moment, typing until a moment."""

    employee = models.ForeignKey(Employee, models.CASCADE, related_name="+", verbose_name="сотрудник")
    appeal = models.ForeignKey(Appeal, models.CASCADE, null=True, related_name="+", verbose_name="обращение")
    message = models.ForeignKey(IncomingMessage, models.CASCADE, null=True, related_name="+", verbose_name="сообщение")
    seen_at = models.DateTimeField("последний раз")
    here_until = models.DateTimeField("здесь до")
    typing_until = models.DateTimeField("печатает до", null=True)

    class Meta:
        verbose_name = "присутствие"
        verbose_name_plural = "присутствие"
        constraints = [
            models.UniqueConstraint("employee", "appeal", name="presence_once_at_an_appeal"),
            models.UniqueConstraint("employee", "message", name="presence_once_at_a_message"),
            models.CheckConstraint(
                condition=Q(appeal__isnull=True, message__isnull=False) | Q(appeal__isnull=False, message__isnull=True),
                name="presence_at_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["here_until"], name="presence_now"),
            models.Index(fields=["employee", "-seen_at"], name="presence_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.employee}: {self.appeal or self.message}"


class SavedView(models.Model):
    """A list somebody has named: a view with its filters, order and look, as the address bar says them."""

    owner = models.ForeignKey(Employee, models.CASCADE, related_name="saved_views", verbose_name="сотрудник")
    name = models.CharField("название", max_length=60)
    query = models.CharField("условия", max_length=1000)
    shared = models.BooleanField("виден всем", default=False)

    class Meta:
        verbose_name = "сохранённый вид"
        verbose_name_plural = "сохранённые виды"
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint("owner", "name", name="saved_view_once")]

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something that concerns an employee, told once: in the product, in a letter, or both. No citizen's data."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", "мне назначили или передали обращение"
        APPROVAL = "approval", "ждёт моего согласования"
        SIGNATURE = "signature", "ждёт моей подписи"
        RETURNED = "returned", "мой проект вернули или отозвали с подписи"
        APPROVED = "approved", "мой проект согласовали"
        REPLY = "reply", "заявитель написал ещё"
        UNDELIVERED = "undelivered", "ответ не доставлен"
        TERM = "term", "срок близок или прошёл"
        MENTION = "mention", "меня упомянули в заметке"
        FOLLOWED = "followed", "новое в обращении, за которым я слежу"
        VOTE = "vote", "материал Базы знаний не помог"
        REVIEW = "review", "актуализация: срок проверки материалов"
        TO_AGREE = "to_agree", "материал Базы знаний ждёт моего согласования"
        AGREED = "agreed", "мой материал согласовали или вернули"
        LAW = "law", "изменилось законодательство"
        CALL_BACK = "call_back", "пора перезвонить: пропущенный звонок или обещание"
        OPINION = "opinion", "моему подразделению передали отзыв"
        INSTRUCTION = "instruction", "поручение с личного приёма"
        CHANNEL = "channel", "канал не работает или замолчал"
        SYSTEM = "system", "администратору: файл отложен, другая система не отвечает"
        HEAD_SHEET = "head_sheet", "руководителю: сводка в 8:30 рабочего дня"

    employee = models.ForeignKey(Employee, models.CASCADE, related_name="notices", verbose_name="кому")
    in_place_of = models.ForeignKey(
        Employee, models.CASCADE, null=True, related_name="+", verbose_name="за кого", help_text="Пусто — за себя."
    )
    appeal = models.ForeignKey(Appeal, models.CASCADE, null=True, related_name="+", verbose_name="обращение")
    path = models.CharField("страница", max_length=200, blank=True, help_text="Где это видно, если не в обращении.")
    subject = models.CharField("что это", max_length=200, blank=True, help_text="Если это не обращение.")
    kind = models.CharField("о чём", max_length=12, choices=Kind)
    source = models.CharField("откуда", max_length=80, help_text="Строка журнала или срок: об одном говорится раз.")
    text = models.CharField("что произошло", max_length=200)
    place = models.CharField("место карточки", max_length=40, blank=True)
    actor = models.ForeignKey(Employee, models.SET_NULL, null=True, related_name="+", verbose_name="кто сделал")
    at = models.DateTimeField("когда")
    shown = models.BooleanField("показано в Отклике", default=True)
    read_at = models.DateTimeField("прочитано", null=True)
    mail_at = models.DateTimeField("когда войдёт в письмо", null=True, help_text="Пусто — не войдёт или уже вошло.")
    letter = models.ForeignKey(StaffLetter, models.SET_NULL, null=True, related_name="+", verbose_name="письмо")

    class Meta:
        verbose_name = "уведомление"
        verbose_name_plural = "уведомления"
        constraints = [
            models.UniqueConstraint("employee", "kind", "source", name="notice_once"),
            models.CheckConstraint(
                condition=Q(appeal__isnull=False, path="") | (Q(appeal=None) & ~Q(path="")), name="notice_of_one_thing"
            ),
        ]
        indexes = [
            models.Index(fields=["employee", "appeal"], condition=Q(read_at=None), name="notice_unread"),
            models.Index(fields=["employee", "-at"], name="notice_newest"),
            models.Index(fields=["mail_at"], condition=Q(mail_at__isnull=False), name="notice_to_mail"),
            models.Index(fields=["kind", "appeal"], name="notice_of_appeal"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.employee_id}"

    @property
    def about(self) -> str:
        """Return what it is about, in words: an appeal by its number, anything else by its name."""
        return f"№ {self.appeal.number}" if self.appeal else self.subject


class Attention(models.Model):
    """How an employee wants to hear of one appeal; without a row he is told what concerns him."""

    class Level(models.TextChoices):
        FOLLOWS = "follows", "следит"
        MUTED = "muted", "не уведомлять"

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="+", verbose_name="обращение")
    employee = models.ForeignKey(Employee, models.CASCADE, related_name="+", verbose_name="сотрудник")
    level = models.CharField("как", max_length=8, choices=Level)
    since = models.DateTimeField("с какого времени", auto_now_add=True)

    class Meta:
        verbose_name = "внимание к обращению"
        verbose_name_plural = "внимание к обращениям"
        constraints = [models.UniqueConstraint("appeal", "employee", name="attention_once")]

    def __str__(self) -> str:
        return f"{self.employee_id}: {self.get_level_display()}"


class NoticeSettings(models.Model):
    """How an employee wants to be told; what is not said here is as shipped, see `workplace.notices`."""

    employee = models.OneToOneField(Employee, models.CASCADE, related_name="+", verbose_name="сотрудник")
    ways = models.JSONField("как сообщать", default=dict, help_text="О чём → в Отклике и по почте.")
    digest_at = models.TimeField("время сводки")
    quiet = models.BooleanField("не беспокоить вне рабочего времени")

    class Meta:
        verbose_name = "настройка уведомлений"
        verbose_name_plural = "настройки уведомлений"

    def __str__(self) -> str:
        return f"уведомления: {self.employee_id}"


class NewsRead(models.Model):
    """Up to which version an employee has read, or put aside, what is new."""

    employee = models.OneToOneField(Employee, models.CASCADE, related_name="+", verbose_name="сотрудник")
    version = models.CharField("версия", max_length=20)
    at = models.DateTimeField("когда", auto_now=True)

    class Meta:
        verbose_name = "прочитанное «Что нового»"
        verbose_name_plural = "прочитанное «Что нового»"

    def __str__(self) -> str:
        return f"{self.employee_id}: {self.version}"


class ExerciseRun(models.Model):
    """An exercise somebody goes through on a stand: what was made for it; what is done, the journal knows."""

    employee = models.ForeignKey(Employee, models.CASCADE, related_name="+", verbose_name="сотрудник")
    exercise = models.CharField("упражнение", max_length=20)
    begun_at = models.DateTimeField("начато", help_text="Сделанное раньше не засчитывается.")
    things = models.JSONField("что для него создано", default=dict, help_text="Имя → номер строки.")
    shown = models.BooleanField("панель показана", default=True)

    class Meta:
        verbose_name = "учебное упражнение"
        verbose_name_plural = "учебные упражнения"
        constraints = [
            models.UniqueConstraint("employee", "exercise", name="exercise_once"),
            models.UniqueConstraint("employee", condition=Q(shown=True), name="exercise_shown_one"),
        ]

    def __str__(self) -> str:
        return f"{self.employee_id}: {self.exercise}"
