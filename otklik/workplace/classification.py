"""«Темы и потребности»: both axes of п. 9.1 and the kind, proposals first, any number of questions; their history."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, classification
from otklik.appeals.models import Appeal, Need, QuestionKind, Topic
from otklik.appeals.permissions import allows
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import TidyForm
from otklik.core.typed import number
from otklik.people.models import Employee
from otklik.workplace import matter_part, queue
from otklik.workplace.matter_part import Part, Step
from otklik.workplace.requests import StaffRequest

OFFERED = 5


class TopicField(forms.CharField):
    """A topic picked from the dictionary by typing: its code, words of its name alone, or the line of the list."""

    widget = forms.TextInput(
        attrs={"list": "topics", "autocomplete": "off", "placeholder": "Код или слово из названия", "data-wanted": ""}
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_messages["unknown"] = "Такой темы нет в классификаторе. Выберите строку из списка."

    def prepare_value(self, value: Any) -> Any:
        """Show a topic as the list writes it."""
        return str(value) if isinstance(value, Topic) else value

    def clean(self, value: Any) -> Topic | None:
        """Return the topic that was meant."""
        text = str(super().clean(value)).strip()
        if not text:
            return None
        topics = classification.valid_topics()
        code = text.split()[0]
        if found := topics.filter(code=code).first():
            return found
        past = Topic.objects.filter(code=code, leaf=True, valid_to__lt=timezone.localdate()).order_by("-valid_to")
        if gone := past.select_related("replacement__by").first():
            raise forms.ValidationError(str(classification.ended(gone)))
        # In Python: SQLite compares Russian letters only in their own case.
        words = text.casefold()
        named = [one for one in topics if words in one.name.casefold()]
        exact = [one for one in named if one.name.casefold() == words]
        if len(exact or named) == 1:
            return (exact or named)[0]
        if named:
            offered = "; ".join(f"«{one.name}»" for one in named[:OFFERED])
            raise forms.ValidationError(f"Подходит несколько тем: {offered}. Допишите слово.")
        raise forms.ValidationError(self.error_messages["unknown"])


class QuestionForm(TidyForm):
    """One question of an appeal: a topic and a need, both or none."""

    topic = TopicField(label="Тема", required=False)
    need = forms.ModelChoiceField(
        Need.objects.none(), label="Типовая потребность", required=False, empty_label="Выберите потребность"
    )
    kind = forms.ModelChoiceField(
        QuestionKind.objects.none(), label="Вид вопроса", required=False, empty_label="Не указан"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        need = self.fields["need"]
        need.widget.attrs["data-wanted"] = ""
        if isinstance(need, forms.ModelChoiceField):
            need.queryset = classification.valid_needs()
        kind = self.fields["kind"]
        if isinstance(kind, forms.ModelChoiceField):
            kind.queryset = classification.valid_kinds()

    def clean(self) -> dict[str, Any]:
        """Ask for the other half where only one is given."""
        data = self.cleaned_data
        if data.get("topic") and not data.get("need") and "need" not in self.errors:
            self.add_error("need", "Выберите и потребность: нужны обе оси.")
        if data.get("need") and not data.get("topic") and "topic" not in self.errors:
            self.add_error("topic", "Выберите и тему: нужны обе оси.")
        return data

    def pair(self) -> tuple[Topic, Need] | None:
        """Return the question, or None for an empty line."""
        topic, need = self.cleaned_data.get("topic"), self.cleaned_data.get("need")
        return (topic, need) if topic and need else None


Questions = forms.formset_factory(QuestionForm, extra=0, max_num=20, absolute_max=30)


@requires("appeals.propose", "appeals.classify")
@require_http_methods(["GET", "POST"])
def classify(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the questions of an appeal, then confirm or propose what was chosen."""
    appeal = access.get_for(request.user, pk)
    guess = classification.propose(_text_of(appeal), reader=request.user)
    if request.method != "POST":
        return _page(request, appeal, guess, Questions(initial=_initial(appeal, guess)))
    if any(name in request.POST for name in ("add", "take_topic", "take_need")):
        return _page(request, appeal, guess, Questions(initial=_retyped(request)))
    questions = Questions(request.POST)
    if not questions.is_valid():
        return _page(request, appeal, guess, questions, status=422)
    chosen = [(pair, form.cleaned_data.get("kind")) for form in questions if (pair := form.pair())]
    kinds = {(topic.pk, need.pk): kind for (topic, need), kind in chosen if kind}
    try:
        _write(request, appeal, [pair for pair, _ in chosen], kinds)
    except DomainError as refusal:
        return _page(request, appeal, guess, questions, refusal=refusal, status=refusal.status)
    return redirect(queue.card_url(request, appeal.pk))


def _write(request: StaffRequest, appeal: Appeal, pairs: list[tuple[Topic, Need]], kinds: classification.Kinds) -> None:
    if "confirm" in request.POST:
        classification.classify(appeal, pairs, kinds=kinds, by=request.user)
        messages.success(request, f"Обращение № {appeal.number}: темы и потребности подтверждены.")
    else:
        classification.propose_questions(appeal, pairs, kinds=kinds, by=request.user)
        messages.success(request, "Предложение записано. Его увидит и подтвердит делопроизводитель.")


def _page(
    request: StaffRequest,
    appeal: Appeal,
    guess: classification.Guess,
    questions: Any,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "appeal": appeal,
        "guess": guess,
        "questions": questions,
        "topics": classification.valid_topics(),
        "refusal": refusal,
        "can_propose": allows(classification.check_can_propose, appeal, request.user),
        "why_not_confirm": why_not(classification.check_can_classify, appeal, request.user),
    }
    return render(request, "workplace/classify.html", context, status=status)


def _initial(appeal: Appeal, guess: classification.Guess) -> list[dict[str, Any]]:
    """Return what is there already, else the best guess."""
    rows = [
        {"topic": row.topic, "need": row.need, "kind": row.sort.kind_id if hasattr(row, "sort") else None}
        for row in appeal.questions.select_related("topic", "need", "sort").order_by("id")
    ]
    if rows:
        return rows
    return [
        {
            "topic": guess.topics[0].item if guess.topics else "",
            "need": guess.needs[0].item.pk if guess.needs else None,
            "kind": guess.kinds[0].item.pk if guess.kinds else None,
        }
    ]


def _retyped(request: StaffRequest) -> list[dict[str, Any]]:
    """Return what was typed, with the wished line added or the picked proposal put where it is missing."""
    count = min(number(request.POST.get("form-TOTAL_FORMS")) or 0, 20)
    rows: list[dict[str, Any]] = [
        {field: request.POST.get(f"form-{i}-{field}", "") for field in ("topic", "need", "kind")} for i in range(count)
    ]
    for field in ("topic", "need"):
        if picked := request.POST.get(f"take_{field}"):
            target = next((row for row in rows if not row[field]), rows[0] if len(rows) == 1 else None)
            if target is None:
                rows.append({field: picked})
            else:
                target[field] = picked
    if "add" in request.POST and len(rows) < 20:
        rows.append({})
    return rows


def _text_of(appeal: Appeal) -> str:
    first = appeal.messages.filter(first=True).select_related("message").first()
    return f"{appeal.subject}\n{first.message.text if first else ''}"


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return «Классификация»: the questions with their kinds, who confirmed them, and what they were before."""
    questions = matter_part.questions(appeal)
    there = matter_part.is_there(appeal, "changes")
    changes = list(appeal.reclassifications.select_related("by")[:50]) if there else []
    may = allows(classification.check_can_propose, appeal, user)
    if not questions and not may:
        return None
    steps = (Step("Изменить" if questions else "Указать", "classify", "tags"),) if may else ()
    facts = {"questions": questions, "changes": changes}
    return Part("Классификация", "tags", "workplace/classifier/part.html", facts, steps)
