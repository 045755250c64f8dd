"""Letters with one text to many people who wrote alike: looked at together, read and signed by one press for all.

Each stays a letter of its own: its number, its hashes, its look and its signature are written down one by one, and what
is refused for one stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from django.utils import timezone

from otklik.appeals import access, complained, packages, signature
from otklik.appeals.models import FINISHED, Appeal, FrozenAnswer, Kinship
from otklik.core.errors import DomainError
from otklik.correspondence import social
from otklik.correspondence.models import ChannelCode
from otklik.people import access as people_access
from otklik.people.models import Employee

S = Appeal.Status


@dataclass(frozen=True)
class Group:
    """Letters of one group of appeals that wait for one person's signature with the same text; the first is shown."""

    main: int
    letters: list[FrozenAnswer]
    # Keys of all appeals of the group, whatever becomes of them.
    members: frozenset[int]

    @property
    def shown(self) -> FrozenAnswer:
        """Return the letter that is read for all: of the appeal the answer was written in, else the first."""
        return next((one for one in self.letters if one.appeal_id == self.main), self.letters[0])

    @property
    def keys(self) -> str:
        """Return the ids of all letters, as one tick on a page sends them."""
        return ",".join(str(one.pk) for one in self.letters)


@dataclass(frozen=True)
class Line:
    """One letter of a group: to whom and where it goes, and in words how else it differs from the one that is shown."""

    answer: FrozenAnswer
    name: str
    address: str
    differs: list[str]


@dataclass(frozen=True)
class Pressed:
    """What one press over many letters did: numbers that took it, and number → why it was refused."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def take(self, appeal: Appeal, step: Callable[[], object]) -> None:
        """Take the step over the letter of an appeal, a transaction of its own; keep whether it was refused and why."""
        try:
            step()
        except DomainError as refusal:
            self.refused[appeal.number] = str(refusal)
        else:
            self.done.append(appeal.number)


def gather(answers: Sequence[FrozenAnswer]) -> list[Group]:
    """Return the groups among letters that wait, each of two letters at least, in two queries.

    One group has one text and one signer: who reads one of them has read the words of all.
    """
    here = [one.appeal_id for one in answers]
    of_group = Kinship.objects.filter(kind=Kinship.Kind.GROUP)
    mains = set(of_group.filter(other__in=here).values_list("main", flat=True)) | set(here)
    belongs: dict[int, int] = {}
    members: dict[int, set[int]] = {}
    for main, other in of_group.filter(main__in=mains).values_list("main", "other"):
        belongs[main] = belongs[other] = main
        members.setdefault(main, {main}).add(other)
    alike: dict[tuple[int, int, str], list[FrozenAnswer]] = {}
    for one in answers:
        if one.appeal_id in belongs:
            alike.setdefault((belongs[one.appeal_id], one.signer_id, one.manifest["text"]), []).append(one)
    return [Group(key[0], same, frozenset(members[key[0]])) for key, same in alike.items() if len(same) > 1]


def of(answer: FrozenAnswer, user: Employee) -> Group | None:
    """Return the group a waiting letter is of, of letters this person may bring the signature of; None of one alone."""
    rows = packages.waiting(user)[: packages.MOST_LETTERS]
    return next((group for group in gather(list(rows)) if answer in group.letters), None)


def lines(group: Group, user: Employee) -> list[Line]:
    """Return to whom each letter goes and how it differs, in full; that the user has looked is written down of each."""
    appeals = [one.appeal_id for one in group.letters]
    access.look_at_each(user, appeals)
    named: dict[int, list[str]] = {}
    copies = Kinship.objects.filter(main__in=appeals, kind=Kinship.Kind.DUPLICATE).order_by("pk")
    for main, number in copies.values_list("main", "other__number"):
        named.setdefault(main, []).append(number)
    return [_line(one, group.shown, named) for one in group.letters]


def left_out(group: Group, user: Employee) -> dict[str, str]:
    """Return which appeals of the group are not among its letters, number → why; those already answered are passed."""
    rows = access.visible_to(user).filter(pk__in=group.members).exclude(pk__in=[one.appeal_id for one in group.letters])
    rows = rows.exclude(status__in=FINISHED).annotate(complains=complained.barred(group.shown.signer))
    waiting = FrozenAnswer.objects.filter(appeal__in=rows, withdrawn_at=None, followed_at=None)
    frozen = {one.appeal_id: one for one in waiting.select_related("signer")}
    return {one.number: _why_out(one, frozen.get(one.pk), group) for one in rows.order_by("pk")}


def read_each(group: Group, keys: Iterable[int], *, by: Employee) -> Pressed:
    """Note that who signs has read these letters of a group, each for itself; one that is refused stops no other."""
    return _each(group, keys, lambda one: packages.look(one, by=by, main=group.main))


def sign_sed_each(group: Group, numbers: Mapping[int, str], *, signed_on: date, by: Employee) -> Pressed:
    """Record under which number of СЭД each letter was signed, letter → number; one that is refused stops no other."""
    given = {pk: number for pk, number in numbers.items() if number.strip()}
    return _each(group, given, lambda one: signature.sign_sed(one, number=given[one.pk], signed_on=signed_on, by=by))


def approve_each(group: Group, keys: Iterable[int], *, by: Employee) -> Pressed:
    """Let these letters go out on the head's approval, where their regime allows it and he has read each."""
    read = packages.seen(group.letters, by)

    def approve(one: FrozenAnswer) -> None:
        if one.pk not in read:
            raise packages.NothingChosen(what="сначала отметьте, что письмо прочитано.")
        signature.approve_by_head(one, by=by)

    return _each(group, keys, approve)


def _each(group: Group, keys: Iterable[int], step: Callable[[FrozenAnswer], object]) -> Pressed:
    """Take a step over the chosen letters; each is a transaction of its own."""
    there, pressed = {one.pk: one for one in group.letters}, Pressed()
    for one in (there[pk] for pk in dict.fromkeys(keys) if pk in there):
        pressed.take(one.appeal, partial(step, one))
    return pressed


def _line(one: FrozenAnswer, shown: FrozenAnswer, named: Mapping[int, list[str]]) -> Line:
    appeal, first = one.appeal, shown.appeal
    where = "" if appeal.answer_channel in social.NETWORKS else appeal.answer_address
    differs = []
    if appeal.answer_channel != first.answer_channel:
        differs.append(f"уйдёт иначе: {ChannelCode(appeal.answer_channel).label}")
    if appeal.regime_id != first.regime_id:
        differs.append(f"другой режим: {appeal.regime.name}")
    if appeal.executor_id != first.executor_id and appeal.executor:
        differs.append(f"исполнитель — {appeal.executor.short_name}")
    if _attached(one) != _attached(shown):
        names = ", ".join(name for name, _ in _attached(one))
        differs.append(f"другие приложения: {names}" if names else "без приложений")
    dated = timezone.localdate(one.frozen_at)
    if dated != timezone.localdate(shown.frozen_at):
        differs.append(f"на письме дата {dated:%d.%m.%Y}")
    if also := named.get(appeal.pk):
        differs.append(f"отвечает ещё на № {', № '.join(also)}")
    return Line(one, people_access.full_name(appeal.applicant), where, differs)


def _attached(answer: FrozenAnswer) -> list[tuple[str, str]]:
    return [(item["name"], item["sha256"]) for item in answer.manifest["files"][1:]]


def _why_out(appeal: Appeal, answer: FrozenAnswer | None, group: Group) -> str:
    signer = group.shown.signer
    if getattr(appeal, "complains", False):
        return f"жалуются на подписывающего ({signer.short_name}): подпишет другой"
    if appeal.status != S.SIGNING or answer is None:
        return f"ещё не на подписи: {S(appeal.status).label}"
    if answer.signer_id != signer.pk:
        return f"подписывает {answer.signer.short_name}"
    return "текст другой: прочитайте отдельно"
