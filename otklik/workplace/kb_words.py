"""«Словарь поиска»: entries and what a change of one would change, proposals, a file, history, what was learned."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import lessons as letters
from otklik.core import files, sheets, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.sheets import Row
from otklik.knowledge import effect as effects
from otklik.knowledge import materials
from otklik.knowledge.effect import Effect
from otklik.knowledge.models import Material
from otklik.people.models import Employee
from otklik.search import dictionary, dictionary_file, learning, thesaurus
from otklik.search.dictionary import Facts, Kind
from otklik.search.models import EntryProposal, LearnedWord, ThesaurusEntry
from otklik.search.thesaurus import Thesaurus
from otklik.workplace import carried, kb_votes
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
PROPOSED: Final = 20
HISTORY: Final = 30
SALT: Final = "workplace.kb-words"
# Who keeps it; who answers for materials looks.
READERS: Final = tuple(dict.fromkeys((dictionary.POWER, *kb_votes.READERS)))
STATES: Final[dict[str, tuple[str, Q]]] = {
    "active": ("действуют", Q(active=True)),
    "mine": ("внесены и изменены здесь", Q(active=True) & ~Q(origin="shipped", author=None)),
    "out": ("убраны", Q(active=False)),
}
VERDICTS: Final = {"add": "добавится", "same": "уже есть", "refuse": "ошибка"}


@requires(*READERS)
@require_safe
def words(request: StaffRequest) -> HttpResponse:
    """Show the entries, those with a word, of a kind or a state; or hand all in force out (`?format=`)."""
    if (kind := request.GET.get("format")) in ("txt", "xlsx"):
        return _handed_out(kind)
    said = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    state = state if state in STATES else "active"
    rows = ThesaurusEntry.objects.filter(STATES[state][1]).select_related("author").order_by("said", "pk")
    if kind in Kind.values:
        rows = rows.filter(kind=kind)
    # By both spellings: SQLite tells capital letters apart, and people write «ларек».
    for part in said.split():
        rows = rows.filter(_contains(part))
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    kept = {name: value for name, value in (("q", said), ("kind", kind), ("state", state)) if value}
    context = {
        "page": page,
        "said": said,
        "kind": kind,
        "kinds": Kind.choices,
        "state": state,
        "states": [(code, label) for code, (label, _) in STATES.items()],
        "query": f"{urlencode(kept)}&",
        "waiting": dictionary.waiting().count(),
        "may_keep": request.user.has_power(dictionary.POWER),
    }
    return render(request, "workplace/kb/thesaurus.html", context)


def _contains(part: str) -> Q:
    found = Q()
    for one in {part, part.lower(), part.upper(), part.capitalize()}:
        for spelt in {one, one.replace("е", "ё"), one.replace("ё", "е")}:
            found |= Q(said__contains=spelt) | Q(written__contains=spelt)
    return found


def _handed_out(kind: str) -> HttpResponse:
    name = f"slovar-poiska-{timezone.localdate()}.{kind}"
    if kind == "xlsx":
        content = sheets.xlsx(dictionary_file.table(), title="Словарь поиска")
        return files.download(HttpResponse(content, content_type=sheets.XLSX), name)
    text = "\r\n".join(dictionary.lines())
    return files.download(HttpResponse(text, content_type="text/plain; charset=utf-8"), name)


class EntryForm(TidyForm):
    """What one entry says."""

    kind = forms.ChoiceField(
        label="Что это",
        choices=Kind.choices,
        error_messages={"invalid_choice": "Выберите вид записи из списка."},
    )
    said = forms.CharField(
        label="Как говорят",
        required=False,
        help_text="Слова и фразы через запятую, в любой форме: ларёк, торговая палатка.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    written = forms.CharField(
        label="Как написано в документах",
        required=False,
        help_text="Слова, которыми об этом сказано в материалах. Для пустых фраз и слов истории — ничего.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    weight = forms.CharField(
        label="Вес",
        required=False,
        help_text="От 0,1 до 1: насколько слова справа заменяют сказанное. Пусто — обычный.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    field_order = ("said", "written", "kind", "weight")

    def __init__(self, *args: Any, of: ThesaurusEntry | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of = of

    def clean(self) -> dict[str, Any]:
        """Ask the dictionary what is wrong, field by field."""
        given = super().clean() or {}
        if "kind" in given:
            if (facts := self.facts()) is None:
                self.add_error("weight", "Вес — число больше 0 и не больше 1, например 0,7.")
            else:
                for name, told in dictionary.problems(facts, of=self.of).items():
                    self.add_error(name, told)
        return given

    def facts(self) -> Facts | None:
        """Return what was typed; none where the weight is no number."""
        given = self.cleaned_data
        usual = dictionary.USUAL.get(given["kind"], thesaurus.DEFAULT)
        text = given["weight"].strip().replace(",", ".")
        try:
            weight = float(text) if text else usual
        except ValueError:
            return None
        return dictionary.tidied(Facts(given["kind"], given["said"], given["written"], weight))


@requires(dictionary.POWER)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Write a new entry: what it would change is shown while one types."""
    form = EntryForm(request.POST or None, initial={"kind": Kind.SYNONYM, "said": request.GET.get("q", "")[:100]})
    if _is_asked(request):
        return _preview(request, form, None)
    if request.method == "POST" and form.is_valid():
        facts = form.facts()
        assert facts is not None
        row = dictionary.keep(facts, by=request.user)
        messages.success(request, f"Запись добавлена и уже действует: «{dictionary.facts_of(row).line}».")
        return redirect("workplace:thesaurus")
    return _form(request, form, None)


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an entry with its history; who keeps the dictionary changes it, takes it out and puts it back."""
    row = get_object_or_404(ThesaurusEntry.objects.select_related("author"), pk=pk)
    may_keep = request.user.has_power(dictionary.POWER)
    if request.method == "POST" and not may_keep:
        raise Http404
    step = request.POST.get("step", "")
    facts = dictionary.facts_of(row)
    start = {**vars(facts), "weight": f"{facts.weight:g}".replace(".", ",")}
    is_typed = request.method == "POST" and step not in ("take_out", "put_back", "preview_out")
    form = EntryForm(request.POST if is_typed else None, initial=start, of=row)
    if step == "preview_out":
        return _form(request, form, row, effect=_effect(request.user, None, row))
    if is_typed and _is_asked(request):
        return _preview(request, form, row)
    refusal: DomainError | None = None
    if request.method == "POST" and (not is_typed or form.is_valid()):
        try:
            return _done(request, row, form, step)
        except DomainError as exc:
            refusal = exc
            row.refresh_from_db()
    return _form(request, form, row, refusal=refusal)


def _done(request: StaffRequest, row: ThesaurusEntry, form: EntryForm, step: str) -> HttpResponse:
    if step == "take_out":
        dictionary.take_out(row, by=request.user)
        messages.success(request, "Запись убрана: поиск её больше не читает. Её можно вернуть на её странице.")
    elif step == "put_back":
        dictionary.put_back(row, by=request.user)
        messages.success(request, "Запись снова действует.")
    else:
        facts = form.facts()
        assert facts is not None
        dictionary.keep(facts, of=row, version=typed.number(request.POST.get("version")), by=request.user)
        messages.success(request, f"Записано и уже действует: «{dictionary.facts_of(row).line}».")
    return redirect("workplace:thesaurus_entry", pk=row.pk)


def _is_asked(request: StaffRequest) -> bool:
    """Tell whether only the effect is asked for: by the button, or while one types."""
    return request.method == "POST" and (request.POST.get("step") == "preview" or bool(request.htmx))


def _preview(request: StaffRequest, form: EntryForm, row: ThesaurusEntry | None) -> HttpResponse:
    """Show what would change; while one types, only that, and of an unfinished entry nothing."""
    effect = None
    if form.is_valid():
        effect = _effect(request.user, form.facts(), row)
    if request.htmx:
        return render(request, "workplace/kb/thesaurus_entry.html#effect", {"effect": effect, "row": row})
    return _form(request, form, row, effect=effect)


def _form(
    request: StaffRequest,
    form: EntryForm,
    row: ThesaurusEntry | None,
    *,
    effect: Effect | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "row": row,
        "version": request.POST.get("version", "") if form.is_bound and not refusal else row.version if row else "",
        "effect": effect,
        "refusal": refusal,
        "history": dictionary.history(row)[:HISTORY] if row else (),
        "may_keep": request.user.has_power(dictionary.POWER),
    }
    status = refusal.status if refusal else 422 if form.errors else 200
    return render(request, "workplace/kb/thesaurus_entry.html", context, status=status)


def _effect(user: Employee, facts: Facts | None, of: ThesaurusEntry | None) -> Effect:
    """Return what an entry would change in past searches and in letters the employee may see.

    `facts`: what it would say, None: it is taken out; `of`: the entry it is said by now.
    """
    touched = Thesaurus.of([*(facts.rules if facts else ()), *(dictionary.facts_of(of).rules if of else ())])
    said = touched.said | touched.story
    asked = [*effects.asked_with(said), *letters.asked_with(said, user)]
    return effects.of(asked, dictionary.current(), dictionary.with_instead(facts, of=of))


# --- proposals -------------------------------------------------------------------------------------------------------


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def proposals(request: StaffRequest) -> HttpResponse:
    """Show what the product proposes, with the searches behind it; a POST accepts or declines one."""
    if request.method == "POST":
        if not request.user.has_power(dictionary.POWER):
            raise Http404
        return _decided(request)
    return _proposals(request)


def _decided(request: StaffRequest) -> HttpResponse:
    row = get_object_or_404(EntryProposal, pk=typed.number(request.POST.get("proposal")) or 0)
    written = request.POST.get("written")
    refusal: DomainError | None = None
    effect: Effect | None = None
    try:
        if request.POST.get("step") == "decline":
            dictionary.decline(row, by=request.user)
        else:
            kept = dictionary.accept(row, written=written, by=request.user)
            effect = effects.of(
                effects.asked_with(thesaurus.Thesaurus.of(dictionary.facts_of(kept).rules).said),
                dictionary.with_instead(None, of=kept),
                dictionary.current(),
            )
    except DomainError as exc:
        refusal = exc
    if request.htmx:
        context = {"one": row, "refusal": refusal, "effect": effect, "written": written, "may_keep": True}
        status = refusal.status if refusal else 200
        return render(request, "workplace/kb/thesaurus_proposals.html#proposal", context, status=status)
    if refusal:
        return _proposals(request, wrong=row, refusal=refusal)
    if effect is None:
        messages.success(request, f"Предложение «{row.said}» отклонено.")
    else:
        told = f"Искавших раньше это затронет так: найдут выше — {effect.gain}, ниже — {effect.lose}."
        messages.success(request, f"Принято и уже действует: «{row.entry}». {told}")
    return redirect("workplace:thesaurus_proposals")


def _proposals(
    request: StaffRequest, *, wrong: EntryProposal | None = None, refusal: DomainError | None = None
) -> HttpResponse:
    page = Paginator(dictionary.waiting(), PROPOSED).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "wrong": wrong.pk if wrong else None,
        "refusal": refusal,
        "written": request.POST.get("written", ""),
        "may_keep": request.user.has_power(dictionary.POWER),
    }
    return render(request, "workplace/kb/thesaurus_proposals.html", context, status=refusal.status if refusal else 200)


# --- a file ----------------------------------------------------------------------------------------------------------


class FileForm(TidyForm):
    """The file with entries."""

    sheet = forms.FileField(
        label="Файл .txt или .xlsx",
        widget=forms.ClearableFileInput(attrs={"accept": ".txt,.xlsx"}),
        error_messages={"required": "Выберите файл.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


@requires(dictionary.POWER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def import_words(request: StaffRequest) -> HttpResponse:
    """Take a file and show what each line would do; what is confirmed becomes entries.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["sheet"]
        try:
            return _plan(request, dictionary_file.read(given, given.name or ""))
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
    context = {"form": form, "most": dictionary_file.MOST}
    return render(request, "workplace/kb/thesaurus_file.html", context, status=422 if form.errors else 200)


def _plan(request: StaffRequest, rows: list[Row]) -> HttpResponse:
    lines = dictionary_file.plan(rows)
    order = {"refuse": 0, "add": 1, "same": 2}
    context = {
        "lines": [
            (one, VERDICTS[one.verdict]) for one in sorted(lines, key=lambda one: (order[one.verdict], one.number))
        ],
        "count": {verdict: sum(one.verdict == verdict for one in lines) for verdict in VERDICTS},
        "read": carried.sealed(rows, salt=SALT),
    }
    return render(request, "workplace/kb/thesaurus_plan.html", context)


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        rows, _ = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature:
        messages.error(request, "Файл прочитан больше часа назад или повреждён. Выберите его ещё раз.")
        return redirect("workplace:thesaurus_file")
    made = dictionary_file.load(rows, by=request.user)
    messages.success(request, f"Добавлено записей: {made}. Они уже действуют.")
    return redirect("workplace:thesaurus")


# --- history, what was learned ---------------------------------------------------------------------------------------


@requires(*READERS)
@require_safe
def history(request: StaffRequest) -> HttpResponse:
    """Show what was done with the dictionary and with what was learned, the newest first."""
    page = Paginator(dictionary.history(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "workplace/kb/thesaurus_history.html", {"page": page})


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def learned(request: StaffRequest) -> HttpResponse:
    """Show the words that readers taught, by material; a POST takes words back, or gives them back."""
    may_keep = request.user.has_power(dictionary.POWER)
    key = str(typed.number(request.GET.get("material")) or "")
    if request.method == "POST":
        if not may_keep:
            raise Http404
        _taken_back(request)
        return redirect(f"{request.path}?{urlencode({'material': key})}" if key else request.path)
    readable = materials.for_staff(request.user)
    rows = LearnedWord.objects.filter(index=materials.INDEX)
    rows = rows.filter(key=key) if key else rows
    keys = rows.values("key").annotate(words=Count("pk")).order_by("-words", "key")
    page = Paginator(keys, PROPOSED).get_page(request.GET.get("page"))
    shown = [one["key"] for one in page.object_list]
    titles = {str(one.pk): one for one in readable.filter(pk__in=shown)}
    by_key: dict[str, list[LearnedWord]] = {}
    for row in rows.filter(key__in=titles).select_related("taken_back_by").order_by("-weight", "lemma"):
        by_key.setdefault(row.key, []).append(row)
    context = {
        "page": page,
        "groups": [(titles[one], by_key.get(one, [])) for one in shown if one in titles],
        "material": Material.objects.filter(pk=key).first() if key else None,
        "query": f"material={key}&" if key else "",
        "may_keep": may_keep,
    }
    return render(request, "workplace/kb/learned.html", context)


def _taken_back(request: StaffRequest) -> None:
    """Do as asked with one word or with all of a material, in the employees' search and in the site's."""
    asked = LearnedWord.objects.none()
    if chosen := LearnedWord.objects.filter(pk=typed.number(request.POST.get("word")) or 0).first():
        asked = LearnedWord.objects.filter(key=chosen.key, lemma=chosen.lemma)
    elif pk := typed.number(request.POST.get("all")):
        asked = LearnedWord.objects.filter(key=str(pk))
    if request.POST.get("step") == "give_back":
        if learning.give_back(asked, by=request.user):
            messages.success(request, "Слово снова помогает искать.")
    elif number := learning.take_back(asked, by=request.user):
        told = "Слова убраны" if number > 2 else "Слово убрано"
        messages.success(request, f"{told}: поиск их больше не учитывает и заново не выучит.")
