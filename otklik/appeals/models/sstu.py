"""ССТУ: what is not confirmed as data, names of other bodies there, and what became of each appeal in each month."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal
from otklik.core.models import StoredFile
from otklik.people.models import Employee


def _usual_regimes() -> list[str]:
    return ["59fz"]


class SstuRule(models.Model):
    """How a month is reported to ССТУ; the newest row that has begun counts, older ones stay."""

    class Extended(models.TextChoices):
        STATUS = "status", "статус InWorkExtended"
        MARK = "mark", "статус InWork с признаком isExtend"

    department_id = models.CharField("departmentId нашего органа", max_length=36, blank=True)
    regimes = models.JSONField("режимы рассмотрения", default=_usual_regimes)
    attachment_bytes = models.PositiveIntegerField("вложение меньше, байт base64", default=10_000_000)
    volume_bytes = models.PositiveIntegerField("том меньше, байт", default=50_000_000)
    due_day = models.PositiveSmallIntegerField("выгрузить до числа следующего месяца", default=10)
    remind_days = models.PositiveSmallIntegerField("напоминать за дней", default=5)
    extended = models.CharField("как передавать продление", max_length=6, choices=Extended, default=Extended.STATUS)
    urog_prefix = models.CharField("начало номеров УРОГ", max_length=20, blank=True, default="А26")
    nameless = models.CharField("как назвать заявителя без имени", max_length=100, blank=True)
    kept_days = models.PositiveSmallIntegerField("тома хранить дней", default=60)
    basis = models.CharField("основание", max_length=300)
    valid_from = models.DateField("действует с")
    by = models.ForeignKey(Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесено", auto_now_add=True)

    class Meta:
        verbose_name = "порядок выгрузки в ССТУ"
        verbose_name_plural = "порядки выгрузки в ССТУ"
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(due_day__gte=1, due_day__lte=28), name="sstu_due_day_of_any_month"),
        ]

    def __str__(self) -> str:
        return f"порядок выгрузки с {self.valid_from:%d.%m.%Y}"


class SstuBody(models.Model):
    """Another body as ССТУ knows it: under which identifier, and by what names our letters call it."""

    name = models.CharField("название", max_length=300, unique=True)
    other_names = models.TextField("другие названия", blank=True, help_text="По одному в строке.")
    department_id = models.CharField("departmentId в ССТУ", max_length=36)
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "орган в ССТУ"
        verbose_name_plural = "органы в ССТУ"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SstuCard(models.Model):
    """The identifier of an appeal in files for ССТУ: made once, the same in every month."""

    appeal = models.OneToOneField(Appeal, models.CASCADE, related_name="sstu_card", verbose_name="обращение")
    guid = models.UUIDField("имя файла", unique=True, default=uuid.uuid4)

    class Meta:
        verbose_name = "карточка ССТУ"
        verbose_name_plural = "карточки ССТУ"

    def __str__(self) -> str:
        return str(self.guid)


class SstuRun(models.Model):
    """Files of a month that somebody asked for, made by a worker. `chosen`: of these appeals; empty: of all ready."""

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт"
        FORMING = "forming", "формируется"
        READY = "ready", "готово"
        FAILED = "failed", "не получилось"

    month = models.DateField("месяц", help_text="Его первое число.")
    chosen = models.JSONField("только эти обращения", default=list, blank=True)
    asked_by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто попросил")
    asked_at = models.DateTimeField("когда попросили", auto_now_add=True)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.WAITING)
    touched_at = models.DateTimeField("когда продвинулось", null=True, blank=True)
    total = models.PositiveIntegerField("обращений", default=0)
    done = models.PositiveIntegerField("сформировано", default=0)
    left_out = models.JSONField("не вошли", default=dict, blank=True, help_text="Обращение → почему.")
    why = models.CharField("что помешало", max_length=300, blank=True)

    class Meta:
        verbose_name = "выгрузка в ССТУ"
        verbose_name_plural = "выгрузки в ССТУ"
        ordering = ["-id"]
        constraints = [
            # Two made at once would take the same appeals twice.
            models.UniqueConstraint("month", condition=Q(state__in=("waiting", "forming")), name="sstu_run_one_a_month")
        ]

    def __str__(self) -> str:
        return f"выгрузка {self.pk} за {self.month:%m.%Y}"


class SstuVolume(models.Model):
    """One archive of a run. Its bytes go after the days of the rule: they are full of personal data."""

    run = models.ForeignKey(SstuRun, models.CASCADE, related_name="volumes", verbose_name="выгрузка")
    number = models.PositiveSmallIntegerField("том")
    stored = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="файл")
    size = models.PositiveBigIntegerField("размер, байт")
    digest = models.CharField("SHA-256", max_length=64)
    appeals = models.PositiveIntegerField("обращений")

    class Meta:
        verbose_name = "том для ССТУ"
        verbose_name_plural = "тома для ССТУ"
        ordering = ["run", "number"]
        constraints = [models.UniqueConstraint("run", "number", name="sstu_volume_once")]

    def __str__(self) -> str:
        return f"том {self.number}"

    @property
    def name(self) -> str:
        """Return the name of the archive."""
        return f"sstu-{self.run.month:%Y-%m}-{self.run_id}-{self.number:02d}.zip"


class SstuUpload(models.Model):
    """An attempt to report one appeal in one month: its file and what came of it. Of several the last one counts."""

    class State(models.TextChoices):
        FORMED = "formed", "сформировано"
        SENT = "sent", "выгружено"
        REFUSED = "refused", "отказано"
        MENDED = "mended", "исправлено и выгружено снова"

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="sstu_uploads", verbose_name="обращение")
    month = models.DateField("месяц", help_text="Его первое число.")
    attempt = models.PositiveSmallIntegerField("попытка", default=1)
    current = models.BooleanField("последняя", default=True)
    again = models.BooleanField("после отказа", default=False)
    state = models.CharField("состояние", max_length=8, choices=State, default=State.FORMED)
    volume = models.ForeignKey(
        SstuVolume, models.PROTECT, null=True, blank=True, related_name="uploads", verbose_name="том"
    )
    by_hand = models.BooleanField("внесено вручную", default=False)
    digest = models.CharField("SHA-256 файла", max_length=64, blank=True)
    statuses = models.JSONField("статусы вопросов", default=list)
    made_at = models.DateTimeField("когда сформировано", auto_now_add=True)
    marked_at = models.DateTimeField("когда отмечено", null=True, blank=True)
    marked_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто отметил"
    )
    sent_on = models.DateField("когда выгружено", null=True, blank=True)
    reason = models.CharField("что сказал ССТУ", max_length=500, blank=True)

    class Meta:
        verbose_name = "запись журнала выгрузок"
        verbose_name_plural = "журнал выгрузок"
        ordering = ["month", "appeal", "attempt"]
        constraints = [
            models.UniqueConstraint("appeal", "month", "attempt", name="sstu_attempt_once"),
            models.UniqueConstraint("appeal", "month", condition=Q(current=True), name="sstu_one_last_attempt"),
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(reason=""), name="sstu_refused_says_why"),
            models.CheckConstraint(
                condition=Q(state="formed") | Q(marked_at__isnull=False, marked_by__isnull=False),
                name="sstu_marked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(volume__isnull=False, by_hand=False) | Q(volume=None, by_hand=True),
                name="sstu_in_a_volume_or_by_hand",
            ),
            models.CheckConstraint(
                condition=Q(sent_on__isnull=True) | Q(sent_on__gte=F("month")), name="sstu_sent_after_the_month_began"
            ),
        ]
        indexes = [models.Index(fields=["month", "state"], condition=Q(current=True), name="sstu_uploads_of_a_month")]

    def __str__(self) -> str:
        return f"{self.appeal_id} за {self.month:%m.%Y}: {self.get_state_display()}"


class SstuJudgement(models.Model):
    """How an appeal stands in the check list of a month by itself, kept until something happens to it."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="+", verbose_name="обращение")
    month = models.DateField("месяц", help_text="Его первое число.")
    basis = models.CharField("при каких справочниках", max_length=64)
    own = models.CharField("как стоит само по себе", max_length=8)
    statuses = models.JSONField("статусы вопросов", default=list)

    class Meta:
        verbose_name = "проверенная строка ССТУ"
        verbose_name_plural = "проверенные строки ССТУ"
        constraints = [models.UniqueConstraint("month", "appeal", name="sstu_judged_once")]

    def __str__(self) -> str:
        return f"{self.month:%m.%Y}: {self.own}"


class SstuWatch(models.Model):
    """A chain of the journal whose growth makes a judgement worth nothing, and how long it was."""

    judgement = models.ForeignKey(
        SstuJudgement, models.CASCADE, related_name="watches", verbose_name="проверенная строка"
    )
    chain = models.CharField("цепочка", max_length=60)
    seq = models.PositiveBigIntegerField("номер, до которого учтено")

    class Meta:
        verbose_name = "цепочка проверенной строки ССТУ"
        verbose_name_plural = "цепочки проверенных строк ССТУ"
        constraints = [models.UniqueConstraint("judgement", "chain", name="sstu_watched_once")]

    def __str__(self) -> str:
        return f"{self.chain} до {self.seq}"
