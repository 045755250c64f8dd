"""The lane of ПОС: its facts with their own terms, where one message stands, the templates kept for the lane."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal, Need, Topic
from otklik.core.models import TermRule
from otklik.people.models import Employee


class PosTheme(models.Model):
    """A fact of ПОС with its category and subcategory. Exports bring new ones, a clerk says what each means here."""

    category = models.CharField("категория", max_length=300, blank=True)
    subcategory = models.CharField("подкатегория", max_length=300, blank=True)
    fact = models.CharField("факт", max_length=300, blank=True)
    fast_track = models.BooleanField(
        "идёт по Фаст-треку", default=False, help_text="Действует, когда само сообщение об этом молчит."
    )
    days = models.PositiveSmallIntegerField(
        "дней по Фаст-треку", null=True, blank=True, help_text="Пусто — общий срок режима «ПОС: Фаст-трек»."
    )
    unit = models.CharField("какие дни", max_length=10, choices=TermRule.Unit, default=TermRule.Unit.CALENDAR)
    basis = models.CharField("откуда срок", max_length=300, blank=True)
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="тема")
    need = models.ForeignKey(
        Need, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="типовая потребность"
    )
    matched = models.BooleanField("сопоставлено", default=False, help_text="Иначе: новое, требует сопоставления.")
    first_seen_at = models.DateTimeField("впервые встретилось", auto_now_add=True)
    matched_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сопоставил"
    )
    matched_at = models.DateTimeField("когда сопоставлено", null=True, blank=True)

    class Meta:
        verbose_name = "факт ПОС"
        verbose_name_plural = "факты ПОС"
        ordering = ["matched", "category", "subcategory", "fact"]
        constraints = [
            models.UniqueConstraint("category", "subcategory", "fact", name="pos_theme_once"),
            models.CheckConstraint(
                condition=Q(days__isnull=True) | (Q(days__gte=1) & ~Q(basis="")), name="pos_theme_days_with_basis"
            ),
        ]

    def __str__(self) -> str:
        levels = (self.category, self.subcategory, self.fact)
        return " / ".join(dict.fromkeys(level for level in levels if level)) or "без тематики"


class PosLimit(models.Model):
    """For how long a decision may be put off; the newest row that has begun counts."""

    days = models.PositiveSmallIntegerField("не больше дней")
    basis = models.CharField("основание", max_length=300)
    valid_from = models.DateField("действует с")
    by = models.ForeignKey(Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто задал")

    class Meta:
        verbose_name = "предел отложенного решения"
        verbose_name_plural = "пределы отложенных решений"
        ordering = ["-valid_from", "-id"]
        constraints = [models.CheckConstraint(condition=Q(days__gte=1), name="pos_limit_has_days")]

    def __str__(self) -> str:
        return f"{self.days} с {self.valid_from:%d.%m.%Y}"


class PosCase(models.Model):
    """What ПОС says of one appeal, by its exports or by hand, and what was decided here about its lane.

    `said` is what the last export said: a later one changes only what it says otherwise, so that what people typed
    stays. The lane itself is the regime of the appeal.
    """

    appeal = models.OneToOneField(Appeal, models.CASCADE, related_name="pos_case", verbose_name="обращение")
    number = models.CharField("номер в ПОС", max_length=60, blank=True)
    theme = models.ForeignKey(PosTheme, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="факт")
    planned_on = models.DateField("дата планируемого завершения работ", null=True, blank=True)
    fast_track = models.BooleanField("Фаст-трек", null=True, blank=True, help_text="Пусто — ПОС об этом не сказала.")
    fz59 = models.BooleanField("заявитель выбрал подачу по 59-ФЗ", default=False)
    stage = models.CharField("стадия", max_length=500, blank=True)
    status = models.CharField("статус", max_length=500, blank=True)
    decision = models.CharField("тип решения", max_length=500, blank=True)
    people = models.JSONField("роли", default=dict, blank=True, help_text="Роль в ПОС → кто.")
    rating = models.PositiveSmallIntegerField("оценка заявителя", null=True, blank=True)
    again_on = models.DateField("возвращено на доработку", null=True, blank=True)
    again_settled = models.BooleanField("доработка принята в работу", default=False)
    said = models.JSONField("что сказала последняя выгрузка", default=dict, blank=True)
    facts_seen = models.PositiveBigIntegerField("прочитанные сведения", default=0)
    left_why = models.CharField("почему выведено из полосы", max_length=500, blank=True)
    left_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто вывел"
    )
    left_at = models.DateTimeField("когда выведено", null=True, blank=True)
    postponed_until = models.DateField("решение отложено до", null=True, blank=True)
    postponed_on = models.DateField("решение отложено с", null=True, blank=True)
    postponed_why = models.CharField("почему отложено", max_length=500, blank=True)
    postponed_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто отложил"
    )
    entered_on = models.DateField("ответ внесён в ПОС", null=True, blank=True)
    entered_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто внёс"
    )
    entered_at = models.DateTimeField("когда отмечено", null=True, blank=True)
    version = models.PositiveIntegerField("версия", default=1)

    class Meta:
        verbose_name = "дело ПОС"
        verbose_name_plural = "дела ПОС"
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__gte=1, rating__lte=5), name="pos_rating_of_five"
            ),
            models.CheckConstraint(
                condition=Q(left_at=None, left_why="") | (Q(left_at__isnull=False) & ~Q(left_why="")),
                name="pos_lane_left_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(postponed_until=None)
                | (Q(postponed_until__gt=F("postponed_on"), postponed_by__isnull=False) & ~Q(postponed_why="")),
                name="pos_postponed_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(entered_on=None, entered_by=None) | Q(entered_on__isnull=False, entered_by__isnull=False),
                name="pos_entered_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["postponed_until"], condition=Q(postponed_until__isnull=False), name="pos_case_postponed"
            ),
            models.Index(
                fields=["again_on"], condition=Q(again_on__isnull=False, again_settled=False), name="pos_case_again"
            ),
        ]

    def __str__(self) -> str:
        return f"ПОС № {self.number or '—'}"


class PosTemplate(models.Model):
    """A reply template of the Knowledge Base kept for the lane: for every fact, or for one. `material` is its id."""

    material = models.PositiveBigIntegerField("материал")
    theme = models.ForeignKey(
        PosTheme, models.CASCADE, null=True, blank=True, related_name="templates", verbose_name="для какого факта"
    )
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто добавил")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "шаблон полосы ПОС"
        verbose_name_plural = "шаблоны полосы ПОС"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("material", "theme", name="pos_template_once"),
            models.UniqueConstraint("material", condition=Q(theme=None), name="pos_template_for_all_once"),
        ]

    def __str__(self) -> str:
        return f"шаблон {self.material}"
