"""Tables every room stands on: calendar, terms, files, journal, access log, installation, work without people."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q


class Installation(models.Model):
    """What this database is for. One row, written once: a demo stand never becomes production."""

    class Kind(models.TextChoices):
        PRODUCTION = "production", "рабочая система"
        DEMO = "demo", "учебный стенд"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    kind = models.CharField("назначение", max_length=12, choices=Kind)
    since = models.DateTimeField("с какого времени", auto_now_add=True)

    class Meta:
        verbose_name = "установка"
        verbose_name_plural = "установка"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_is_single")]

    def __str__(self) -> str:
        return self.get_kind_display()


class CalendarYear(models.Model):
    """Whether the government has already decreed the moved days of a year."""

    year = models.PositiveSmallIntegerField("год", primary_key=True)
    approved = models.BooleanField("утверждён", default=False)
    source = models.CharField("основание", max_length=300, blank=True)

    class Meta:
        verbose_name = "год производственного календаря"
        verbose_name_plural = "годы производственного календаря"
        ordering = ["year"]

    def __str__(self) -> str:
        return str(self.year)


class CalendarDay(models.Model):
    """One day of the production calendar; every day of a loaded year has a row."""

    class Kind(models.TextChoices):
        WORKING = "working", "рабочий"
        SHORTENED = "shortened", "сокращённый"
        OFF = "off", "выходной"
        HOLIDAY = "holiday", "праздник"

    date = models.DateField("дата", primary_key=True)
    kind = models.CharField("вид дня", max_length=10, choices=Kind)
    title = models.CharField("название", max_length=200, blank=True)
    moved_from = models.DateField("перенесён с", null=True, blank=True)
    source = models.CharField("основание", max_length=300, blank=True)
    edited_by_hand = models.BooleanField("изменён вручную", default=False)

    class Meta:
        verbose_name = "день календаря"
        verbose_name_plural = "дни календаря"
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date:%d.%m.%Y} — {self.get_kind_display()}"


class Regime(models.Model):
    """The legal regime an appeal is considered under; it decides the term, the channel does not."""

    code = models.SlugField("код", max_length=40, primary_key=True)
    name = models.CharField("название", max_length=200)
    statutory = models.BooleanField("установлен законом", help_text="Иначе действует внутренний норматив.")
    citizen_word = models.CharField("как назвать гражданину", max_length=40, default="обращение")
    law = models.CharField("закон или порядок", max_length=300, blank=True)
    pause_basis = models.CharField(
        "статья, разрешающая приостановление",
        max_length=300,
        blank=True,
        help_text="Пусто — срок не приостанавливается.",
    )
    head_may_approve_dispatch = models.BooleanField(
        "ответ можно отправить по согласованию начальника, без подписи", default=False
    )
    hints = models.TextField(
        "слова-подсказки",
        blank=True,
        help_text="Через запятую: по ним режим предлагается при регистрации. "
        "«от: …» ищется только в имени отправителя.",
    )
    hint_why = models.CharField(
        "почему предлагается", max_length=300, blank=True, help_text="Что прочитает тот, кто регистрирует."
    )
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "режим рассмотрения"
        verbose_name_plural = "режимы рассмотрения"
        ordering = ["order", "code"]

    def __str__(self) -> str:
        return self.name


class RegimeEdition(models.Model):
    """What was said of a regime from a day on; the newest is what the regime says now. Never changed."""

    regime = models.ForeignKey(Regime, models.PROTECT, related_name="editions", verbose_name="режим")
    valid_from = models.DateField("действует с")
    facts = models.JSONField("что записано", encoder=DjangoJSONEncoder)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто записал"
    )
    at = models.DateTimeField("когда записано", auto_now_add=True)

    class Meta:
        verbose_name = "редакция режима"
        verbose_name_plural = "редакции режимов"
        ordering = ["regime", "-id"]

    def __str__(self) -> str:
        return f"{self.regime_id} с {self.valid_from:%d.%m.%Y}"


class TermRule(models.Model):
    """One term of a regime: how many days, of which kind, by which article, rolled which way.

    An extension's `days` are the most it may have; it exists only where there is such a row, and once.
    """

    class Step(models.TextChoices):
        REGISTER = "register", "регистрация"
        FORWARD = "forward", "переадресация"
        ANSWER = "answer", "ответ"
        EXTEND = "extend", "продление ответа"

    class Unit(models.TextChoices):
        CALENDAR = "calendar", "календарные дни"
        WORKING = "working", "рабочие дни"

    class Roll(models.TextChoices):
        NONE = "none", "не переносить"
        PREVIOUS = "previous_working", "на предыдущий рабочий день"
        NEXT = "next_working", "на следующий рабочий день"

    regime = models.ForeignKey(Regime, models.PROTECT, related_name="terms", verbose_name="режим")
    step = models.CharField("что нужно сделать", max_length=12, choices=Step)
    channel = models.CharField("канал", max_length=32, blank=True, help_text="Пусто — для всех каналов.")
    days = models.PositiveSmallIntegerField("дней")
    unit = models.CharField("какие дни", max_length=10, choices=Unit, default=Unit.CALENDAR)
    roll = models.CharField("если последний день нерабочий", max_length=20, choices=Roll, default=Roll.PREVIOUS)
    basis = models.CharField("основание", max_length=300)
    since_arrival = models.BooleanField("считать со дня поступления", default=False)
    notice_within = models.PositiveSmallIntegerField(
        "уведомить о продлении в течение, дней со дня регистрации",
        null=True,
        blank=True,
        help_text="Пусто — до окончания первоначального срока.",
    )
    notice_form = models.CharField(
        "как уведомить о продлении", max_length=300, blank=True, help_text="Форма уведомления заявителя."
    )
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "срок"
        verbose_name_plural = "сроки"
        ordering = ["regime", "step", "channel", "valid_from"]
        constraints = [
            models.UniqueConstraint("regime", "step", "channel", "valid_from", name="term_rule_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="term_rule_validity",
            ),
            models.CheckConstraint(condition=Q(days__gte=1), name="term_rule_has_days"),
        ]

    def __str__(self) -> str:
        return f"{self.regime_id}: {self.get_step_display()}, {self.days}"


class StoredFile(models.Model):
    """Bytes kept once, addressed by their SHA-256. The file is on disk (fsynced) before the row exists."""

    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    size = models.PositiveBigIntegerField("размер, байт")
    path = models.CharField("место в хранилище", max_length=200)
    content_type = models.CharField("вид по содержанию", max_length=100, blank=True)
    stored_at = models.DateTimeField("сохранён", auto_now_add=True)

    class Meta:
        verbose_name = "файл"
        verbose_name_plural = "файлы"

    def __str__(self) -> str:
        return self.sha256[:12]


class FileExamination(models.Model):
    """What became of looking into a file that came from outside: what lies in it, and whether it may be opened."""

    class State(models.TextChoices):
        WAITING = "waiting", "не проверен"
        UNCHECKED = "unchecked", "не проверен: антивирус не подключён"
        CLEAN = "clean", "чист"
        FAILED = "failed", "проверить не удалось"
        INFECTED = "infected", "заражён"
        BLOCKED = "blocked", "это программа"
        RELEASED = "released", "разрешён администратором"
        DESTROYED = "destroyed", "удалён администратором"

    stored = models.OneToOneField(StoredFile, models.CASCADE, related_name="examination", verbose_name="файл")
    state = models.CharField("состояние", max_length=10, choices=State, default=State.WAITING)
    found = models.CharField("что найдено", max_length=300, blank=True)
    locked = models.BooleanField("защищён паролем", default=False)
    inside = models.JSONField("что в архиве", default=list, blank=True, help_text="Имя и размер каждого файла.")
    more_inside = models.PositiveIntegerField("ещё в архиве", default=0)
    attempts = models.PositiveSmallIntegerField("попыток", default=0)
    not_before = models.DateTimeField("проверять не раньше", null=True, blank=True, help_text="Пусто — больше никогда.")
    asked_at = models.DateTimeField("поставлен на проверку", auto_now_add=True)
    examined_at = models.DateTimeField("проверен", null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил"
    )
    decided_at = models.DateTimeField("когда решено", null=True, blank=True)
    reason = models.CharField("почему так решено", max_length=300, blank=True)

    class Meta:
        verbose_name = "проверка файла"
        verbose_name_plural = "проверки файлов"
        indexes = [
            models.Index(fields=["not_before", "id"], condition=~Q(not_before=None), name="examination_due"),
            models.Index(fields=["state"], name="examination_state"),
        ]

    def __str__(self) -> str:
        return f"проверка файла {self.stored_id}"


class ChainHead(models.Model):
    """Sequence and last hash of one chain, journal or access log; locked while a row is appended."""

    chain = models.CharField("цепочка", max_length=60, primary_key=True)
    seq = models.PositiveBigIntegerField("последний номер", default=0)
    last_hash = models.CharField("последний хеш", max_length=64, blank=True)
    read_to = models.PositiveBigIntegerField("прочитано до", default=0, help_text="Дальше — новое для уведомлений.")

    class Meta:
        verbose_name = "начало цепочки журнала"
        verbose_name_plural = "начала цепочек журнала"
        # Only chains with something nobody has read yet: asked every second, mostly empty.
        indexes = [models.Index(fields=["chain"], condition=Q(seq__gt=F("read_to")), name="chain_unread")]

    def __str__(self) -> str:
        return self.chain


class AppendOnlyQuerySet(models.QuerySet[models.Model]):
    """Rows that are read and added, nothing else."""

    def update(self, **values: Any) -> int:
        """Refuse."""
        raise TypeError("a journal row does not change")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise TypeError("a journal row is not removed")


class ChainedEntry(models.Model):
    """What a journal row and an access row have in common: written once, never changed."""

    chain = models.CharField("цепочка", max_length=60)
    seq = models.PositiveBigIntegerField("номер")
    at = models.DateTimeField("когда")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто"
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="за кого",
    )
    action = models.CharField("действие", max_length=60)
    data = models.JSONField("сведения", default=dict)
    prev_hash = models.CharField("хеш предыдущей", max_length=64, blank=True)
    hash = models.CharField("хеш", max_length=64)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["chain", "seq"]

    def save(self, **options: Any) -> None:
        """Add the row; refuse to change one."""
        if not self._state.adding:
            raise TypeError("a journal row does not change")
        super().save(**options)

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise TypeError("a journal row is not removed")


class JournalEntry(ChainedEntry):
    """One change: who, when, what. Ids and digests only, never personal data. Append-only."""

    class Meta(ChainedEntry.Meta):
        verbose_name = "запись журнала"
        verbose_name_plural = "журнал"
        constraints = [models.UniqueConstraint("chain", "seq", name="journal_seq_once")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.seq} {self.action}"


class AccessEntry(ChainedEntry):
    """One look at personal data: who, at whom, why. The chain is per day («access:2026-11-24»)."""

    class Meta(ChainedEntry.Meta):
        verbose_name = "запись о доступе"
        verbose_name_plural = "журнал доступа"
        constraints = [models.UniqueConstraint("chain", "seq", name="access_seq_once")]
        # «Has he looked at this today?» is asked at every opening: the day's looks of one person.
        indexes = [models.Index(fields=["actor", "chain"], name="access_of_the_day")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.seq} {self.action}"


class JournalSeal(models.Model):
    """A day's signed list of chain heads: finds a chain that was cut off at its end."""

    date = models.DateField("день", primary_key=True)
    heads = models.JSONField("начала цепочек")
    previous = models.CharField("хеш предыдущей печати", max_length=64, blank=True)
    digest = models.CharField("хеш списка", max_length=64)
    signature = models.CharField("подпись", max_length=64)
    sealed_at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "печать журнала"
        verbose_name_plural = "печати журнала"
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date:%d.%m.%Y}"


class Firing(models.Model):
    """One planned run of a periodic job; unique on (job, planned time), so any number of schedulers is safe."""

    class State(models.TextChoices):
        PLANNED = "planned", "ждёт"
        RUNNING = "running", "идёт"
        DONE = "done", "выполнено"
        FAILED = "failed", "ошибка"

    job = models.CharField("задание", max_length=60)
    planned_at = models.DateTimeField("назначено на")
    state = models.CharField("состояние", max_length=10, choices=State, default=State.PLANNED)
    started_at = models.DateTimeField("начато", null=True, blank=True)
    alive_at = models.DateTimeField("последний признак жизни", null=True, blank=True)
    finished_at = models.DateTimeField("закончено", null=True, blank=True)
    error = models.TextField("ошибка", blank=True)

    class Meta:
        verbose_name = "запуск задания"
        verbose_name_plural = "запуски заданий"
        ordering = ["-planned_at"]
        constraints = [models.UniqueConstraint("job", "planned_at", name="firing_once")]

    def __str__(self) -> str:
        return f"{self.job} {self.planned_at:%d.%m.%Y %H:%M}"


class WorkerBeat(models.Model):
    """A process that works without a person says that it is alive: also one that has nothing to do."""

    class Kind(models.TextChoices):
        WORKER = "worker", "обработчик"
        SCHEDULER = "scheduler", "планировщик"

    process = models.CharField("процесс", max_length=120, primary_key=True)
    kind = models.CharField("что делает", max_length=10, choices=Kind)
    host = models.CharField("машина", max_length=100)
    version = models.CharField("версия", max_length=40)
    started_at = models.DateTimeField("запущен")
    beat_at = models.DateTimeField("последний признак жизни", help_text="По часам базы данных.")
    clock_ahead = models.FloatField("часы спешат, секунд", default=0, help_text="По сравнению с часами базы данных.")

    class Meta:
        verbose_name = "признак жизни процесса"
        verbose_name_plural = "признаки жизни процессов"
        ordering = ["kind", "host", "process"]

    def __str__(self) -> str:
        return self.process


class Backup(models.Model):
    """One making of a backup: begun, and done or failed. The archive itself is a file outside."""

    started_at = models.DateTimeField("начата", auto_now_add=True)
    finished_at = models.DateTimeField("закончена", null=True, blank=True)
    host = models.CharField("машина", max_length=100)
    name = models.CharField("имя файла", max_length=300)
    size = models.PositiveBigIntegerField("размер, байт", default=0)
    rows = models.PositiveBigIntegerField("строк", default=0)
    files = models.PositiveBigIntegerField("файлов", default=0)
    missing = models.PositiveIntegerField("файлов не нашлось", default=0)
    encrypted = models.BooleanField("зашифрована", default=False)
    error = models.CharField("ошибка", max_length=500, blank=True)
    verified_at = models.DateTimeField("прочитана и сверена", null=True, blank=True)
    removed_at = models.DateTimeField("удалена по сроку хранения", null=True, blank=True)

    class Meta:
        verbose_name = "резервная копия"
        verbose_name_plural = "резервные копии"
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return self.name


class BackupDrill(models.Model):
    """One trial of a backup: restored aside, compared, the journal checked, everything removed again."""

    started_at = models.DateTimeField("начато", auto_now_add=True)
    finished_at = models.DateTimeField("закончено", null=True, blank=True)
    host = models.CharField("машина", max_length=100)
    name = models.CharField("копия", max_length=300, blank=True)
    made_at = models.DateTimeField("копия сделана", null=True, blank=True)
    rows = models.PositiveBigIntegerField("строк", default=0)
    tables = models.PositiveIntegerField("таблиц", default=0)
    files = models.PositiveBigIntegerField("файлов", default=0)
    entries = models.PositiveBigIntegerField("строк журнала", default=0)
    chains = models.PositiveBigIntegerField("цепочек журнала", default=0)
    seals = models.PositiveIntegerField("печатей журнала", default=0)
    error = models.CharField("что не так", max_length=500, blank=True)

    class Meta:
        verbose_name = "учение по восстановлению"
        verbose_name_plural = "учения по восстановлению"
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def seconds(self) -> int | None:
        """Return how long it took; None while it goes on."""
        return int((self.finished_at - self.started_at).total_seconds()) if self.finished_at else None

    @property
    def passed(self) -> bool:
        """Tell whether the backup has proved itself."""
        return self.finished_at is not None and not self.error


class Fault(models.Model):
    """Something wrong with the system, from its first sight to its mending: administrators are told of both, once."""

    code = models.CharField("что", max_length=200, help_text="Область и название на странице «Состояние системы».")
    title = models.CharField("название", max_length=200)
    text = models.CharField("как было сказано", max_length=500)
    seen_at = models.DateTimeField("замечено")
    told_at = models.DateTimeField("сообщено", null=True, blank=True)
    mended_at = models.DateTimeField("прошло", null=True, blank=True)

    class Meta:
        verbose_name = "неисправность"
        verbose_name_plural = "неисправности"
        ordering = ["-seen_at", "-pk"]
        constraints = [
            models.UniqueConstraint("code", condition=Q(mended_at=None), name="fault_once_at_a_time"),
        ]

    def __str__(self) -> str:
        return self.title


class Downtime(models.Model):
    """A time the product could not be worked in: what came meanwhile was written on paper and is entered later."""

    began_at = models.DateTimeField("с")
    ended_at = models.DateTimeField("по", null=True, blank=True, help_text="Пусто — ещё идёт.")
    what = models.CharField("что случилось", max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто записал")
    written_at = models.DateTimeField("записан", auto_now_add=True)

    class Meta:
        verbose_name = "сбой"
        verbose_name_plural = "сбои"
        ordering = ["-began_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gt=F("began_at")), name="downtime_ends_after_it_began"
            ),
        ]

    def __str__(self) -> str:
        return self.what


class LateEntry(models.Model):
    """Something written on paper during a downtime and entered later, with the moment it really happened."""

    class Kind(models.TextChoices):
        MESSAGE = "message", "обращение"
        CALL = "call", "звонок"

    downtime = models.ForeignKey(Downtime, models.PROTECT, related_name="entries", verbose_name="сбой")
    kind = models.CharField("что внесено", max_length=10, choices=Kind)
    ref = models.PositiveBigIntegerField("номер строки")
    happened_at = models.DateTimeField("когда было на самом деле")
    on_paper = models.DateField(
        "зарегистрировано на бумаге", null=True, blank=True, help_text="Пусто — на бумаге не регистрировали."
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто внёс")
    entered_at = models.DateTimeField("внесено", auto_now_add=True)

    class Meta:
        verbose_name = "позднее внесение"
        verbose_name_plural = "поздние внесения"
        ordering = ["-entered_at", "-pk"]
        constraints = [models.UniqueConstraint("kind", "ref", name="late_entry_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.ref}"


class NamedLock(models.Model):
    """A row that exists to be locked, see `core.locks`."""

    name = models.CharField("имя", max_length=60, primary_key=True)

    class Meta:
        verbose_name = "блокировка"
        verbose_name_plural = "блокировки"

    def __str__(self) -> str:
        return self.name


class ProcedureEdition(models.Model):
    """An order that set or changed the Procedure («Порядок взаимодействия с клиентом»), with the day it holds from."""

    code = models.SlugField("код", max_length=40, unique=True, null=True, blank=True, editable=False)
    number = models.CharField("номер приказа", max_length=60, blank=True)
    signed_on = models.DateField("дата приказа", null=True, blank=True)
    title = models.CharField("название", max_length=500)
    valid_from = models.DateField("действует с")
    unsure = models.CharField(
        "что не подтверждено",
        max_length=300,
        blank=True,
        help_text="Пусто — номер и даты сверены с приказом.",
    )

    class Meta:
        verbose_name = "редакция Порядка"
        verbose_name_plural = "редакции Порядка"
        ordering = ["valid_from", "id"]

    def __str__(self) -> str:
        on = f" от {self.signed_on:%d.%m.%Y}" if self.signed_on else ""
        return f"приказ{on} № {self.number}" if self.number else f"приказ{on} без номера"


class ProcedureClause(models.Model):
    """One wording of a clause: in force since one edition and until another; a new wording is a row of its own."""

    code = models.SlugField("код", max_length=60, unique=True, null=True, blank=True, editable=False)
    number = models.CharField("пункт", max_length=40, help_text="Например: 9.1 или 24, подп. 2.1.")
    text = models.TextField("текст", blank=True)
    since = models.ForeignKey(
        ProcedureEdition, models.PROTECT, related_name="clauses_begun", verbose_name="введён редакцией"
    )
    until = models.ForeignKey(
        ProcedureEdition,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="clauses_ended",
        verbose_name="утратил силу или заменён редакцией",
        help_text="Пусто — действует.",
    )
    fulfilled = models.TextField("как исполняется", blank=True)
    listed_at = models.CharField("где видно исполнение", max_length=60, blank=True)
    responsible = models.CharField("вручную, ответственный", max_length=200, blank=True)

    class Meta:
        verbose_name = "пункт Порядка"
        verbose_name_plural = "пункты Порядка"
        constraints = [
            models.UniqueConstraint(
                "number",
                "since",
                name="procedure_clause_once",
                violation_error_message="Такой пункт в этой редакции уже есть. Откройте его и исправьте там.",
            )
        ]

    def __str__(self) -> str:
        return f"п. {self.number}"


class RetentionRule(models.Model):
    """How long records of a kind are kept, by which article; the latest row of a kind that has begun counts."""

    code = models.SlugField("код", max_length=40, unique=True, null=True, blank=True, editable=False)
    kind = models.CharField("вид записей", max_length=200)
    years = models.PositiveSmallIntegerField(
        "хранить, лет", null=True, blank=True, help_text="Пусто — срок не установлен: записи хранятся."
    )
    expert_review = models.BooleanField("перед уничтожением решает экспертно-проверочная комиссия (ЭПК)", default=False)
    basis = models.CharField("основание", max_length=300, help_text="Статья перечня, закона или пункт приказа.")
    unsure = models.CharField(
        "что не подтверждено", max_length=300, blank=True, help_text="Пусто — срок и статья сверены с источником."
    )
    valid_from = models.DateField("действует с")

    class Meta:
        verbose_name = "срок хранения"
        verbose_name_plural = "сроки хранения"
        ordering = ["kind", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                "kind",
                "valid_from",
                name="retention_rule_once",
                violation_error_message="Срок для этого вида записей с этого дня уже есть. "
                "Исправьте его или выберите другой день.",
            )
        ]

    def __str__(self) -> str:
        return self.kind
