"""Lists of letters for the post office: what goes together, how much it weighs, which numbers it was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.channels.post import proposals
from otklik.channels.post.models import PostItem, PostList
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Employee

BY_HAND: Final = OutgoingMessage.State.BY_HAND
HEAVIEST: Final = 20_000  # grams a letter or a small parcel may weigh
HEAD: Final = (
    "№ п/п",
    "Адресат (Ф. И. О. или организация)",
    "Куда (почтовый адрес)",
    "Вид отправления",
    "Масса, г",
    "Почтовый идентификатор (ШПИ)",
    "Номер обращения",
    "Примечание",
)


class Handed(DomainError):
    """The list has been handed over: it says what was."""

    code = "post_list.handed"
    text = "Список уже сдан на почту, изменить его нельзя. Ошибку отметьте в карточке обращения."


class NothingChosen(DomainError):
    """A list of no letters."""

    code = "post_list.empty"
    text = "Отметьте письма, которые сдаёте на почту. Если они уже в другом списке, откройте его."


class BadNumber(DomainError):
    """A postal number that cannot be one."""

    code = "post_list.bad_number"
    text = "Строка {place}: «{number}» не похоже на почтовый идентификатор. Проверьте цифры по квитанции: их 14."


class BadWeight(DomainError):
    """A weight that cannot be one."""

    code = "post_list.bad_weight"
    text = "Строка {place}: масса должна быть от 1 до 20 000 граммов."


class BadDay(DomainError):
    """Letters cannot be handed over tomorrow."""

    code = "post_list.bad_day"
    text = "Дата сдачи ещё не наступила. Укажите день, когда письма приняла почта."


@dataclass(frozen=True)
class Typed:
    """What was written down about one line."""

    grams: str
    track: str


def waiting() -> QuerySet[OutgoingMessage]:
    """Return the letters that wait to be carried to the post office and stand in no list."""
    rows = OutgoingMessage.objects.filter(state=BY_HAND, channel=ChannelCode.POST, post_item=None)
    return rows.order_by("created_at", "pk")


def make(messages: Iterable[OutgoingMessage], *, by: Employee) -> PostList:
    """Put letters on a list; one that somebody has listed meanwhile stays where it is."""
    with transaction.atomic():
        free = list(waiting().filter(pk__in=[one.pk for one in messages]))
        if not free:
            raise NothingChosen
        made = PostList.objects.create(on=timezone.localdate(), made_by=by)
        try:
            with transaction.atomic():
                PostItem.objects.bulk_create(
                    PostItem(post_list=made, place=place, message=one) for place, one in enumerate(free, 1)
                )
        except IntegrityError as exc:
            raise NothingChosen from exc
        _record("post_list.made", made, by=by, letters=len(free))
    return made


def _record(action: str, made: PostList, *, by: Employee, **data: Any) -> None:
    journal.record(action, chain=f"post_list:{made.pk}", by=by, **data)


def write_down(made: PostList, typed: Mapping[int, Typed], *, by: Employee) -> None:
    """Keep weights and postal numbers by the lines' ids; all of them or none."""
    with transaction.atomic():
        _open(made)
        items = list(made.items.filter(pk__in=list(typed)))
        for item in items:
            said = typed[item.pk]
            item.grams, item.track = _grams(item, said.grams), _track(item, said.track)
        PostItem.objects.bulk_update(items, ["grams", "track"])
        _record("post_list.changed", made, by=by, letters=len(items))


def _grams(item: PostItem, said: str) -> int | None:
    said = said.strip()
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) <= 5 and 0 < int(said) <= HEAVIEST):
        raise BadWeight(place=item.place)
    return int(said)


def _track(item: PostItem, said: str) -> str:
    plain = "".join(said.split()).replace("-", "").upper()
    if plain and not proposals.is_track(plain):
        raise BadNumber(place=item.place, number=said.strip()[:40])
    return plain


def remove(item: PostItem, *, by: Employee) -> None:
    """Take a letter off a list: it waits again; an empty list goes."""
    with transaction.atomic():
        made = _open(item.post_list)
        item.delete()
        _record("post_list.changed", made, by=by, message=item.message_id)
        if not made.items.exists():
            made.delete()


def hand(made: PostList, *, on: date, by: Employee) -> int:
    """Write down that the post office has taken the letters; return how many. Each bears its number from then on."""
    if on > timezone.localdate():
        raise BadDay
    with transaction.atomic():
        row = _open(made)
        done = 0
        for item in row.items.select_related("message"):
            if item.message.state == BY_HAND:  # not sent otherwise meanwhile
                delivery.posted(item.message, on=on, by=by, number=item.track)
                done += 1
        PostList.objects.filter(pk=row.pk).update(handed_on=on, handed_by=by)
        _record("post_list.handed", row, by=by, letters=done)
    return done


def _open(made: PostList) -> PostList:
    row = PostList.objects.select_for_update().get(pk=made.pk)
    if row.handed_on is not None:
        raise Handed
    return row


def table(made: PostList, numbers: Mapping[int, str]) -> Iterator[tuple[object, ...]]:
    """Yield the list as the post office takes it, its head first; `numbers` are of appeals, by thread."""
    yield HEAD
    for item in made.items.select_related("message"):
        letter = item.message
        kind = "Письмо заказное" if item.track else "Письмо"
        number = numbers.get(letter.thread_id, "")
        yield item.place, letter.recipient_name, letter.recipient, kind, item.grams or "", item.track, number, ""
    yield "", f"Всего отправлений: {made.items.count()}", "", "", "", "", "", ""
    yield "", "Сдал: ____________________", "Принял: ____________________", "", "", "", "", ""
