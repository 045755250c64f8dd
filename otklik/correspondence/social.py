"""Addresses in social networks: where an answer goes, whether everybody reads it there, what must not stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otklik.core.errors import DomainError
from otklik.correspondence import connections
from otklik.correspondence.channel import DeliveryError, ToSend
from otklik.correspondence.models import ChannelCode, ContactPoint
from otklik.people import personal_data, staff
from otklik.people.models import Employee

CHATS: Final = 2_000_000_000  # from here on VKontakte counts chats of several people

KINDS: Final = {
    "name": "имя",
    "address": "адрес",
    "phone": "телефон",
    "email": "электронная почта",
    "document": "документ",
    "snils": "СНИЛС",
    "inn": "ИНН",
    "born": "дата рождения",
    "account": "номер счёта",
    "car": "номер машины",
}
NETWORKS: Final = {
    ChannelCode.VK: "vk.com/id123 или vk.com/wall-123_45?reply=67",
    ChannelCode.OK: "ok.ru/profile/123 или ok.ru/messages/chat:C123",
    ChannelCode.TELEGRAM: "telegram:123, как стоит в сообщении",
    ChannelCode.MAX: "max:123, как стоит в сообщении",
}
# What an administrator may allow there: personal data to the one who wrote.
MESSENGERS: Final = frozenset({ChannelCode.TELEGRAM, ChannelCode.MAX})
_SHAPES: Final = {
    ChannelCode.VK: (
        (False, r"vk\.com/id(?P<person>[1-9]\d{0,17})"),
        (True, r"vk\.com/im\?sel=c(?P<chat>[1-9]\d{0,8})"),
        (True, r"vk\.com/wall(?P<owner>-?[1-9]\d{0,17})_(?P<post>\d{1,18})(?:\?reply=(?P<comment>\d{1,18}))?"),
    ),
    ChannelCode.OK: (
        (False, r"ok\.ru/profile/(?P<person>[1-9]\d{0,17})"),
        (False, r"ok\.ru/messages/(?P<chat>chat:[A-Za-z0-9]{1,60})"),
        (True, r"ok\.ru/group/(?P<owner>\d{1,18})/topic/(?P<post>\d{1,18})(?:\?comment=(?P<comment>[\w.:-]{1,80}))?"),
    ),
    ChannelCode.TELEGRAM: (
        (False, r"telegram:(?P<person>[1-9]\d{0,17})"),
        (True, r"telegram:(?P<chat>-[1-9]\d{0,17})"),
    ),
    ChannelCode.MAX: (
        (False, r"max:(?P<person>[1-9]\d{0,17})"),
        (True, r"max:chat:(?P<chat>-?[1-9]\d{0,17})"),
    ),
}


class SeenByAll(DomainError):
    """A comment is read by everybody: nothing of people may stand in it."""

    code = "delivery.seen_by_all"
    text = (
        "Ответ в комментарии увидят все, а в тексте есть персональные данные: {what}. "
        "Отправьте ответ личным сообщением или другим способом."
    )


@dataclass(frozen=True)
class Place:
    """Where in a network an answer goes. `public`: more people read it there than the one who asked."""

    channel: str
    address: str
    public: bool
    person: str = ""
    chat: str = ""
    owner: str = ""
    post: str = ""
    comment: str = ""


def place_of(channel: str, address: str) -> Place | None:
    """Return the place an address names; None where the channel is no network or the address is none of its own."""
    bare = re.sub(r"^(?:https?://)?(?:www\.|m\.)?", "", address.strip(), flags=re.IGNORECASE)
    for public, shape in _SHAPES.get(ChannelCode(channel), ()):
        if found := re.fullmatch(shape, bare):
            named = {name: value or "" for name, value in found.groupdict().items()}
            return Place(str(channel), bare, public, **named)
    return None


def is_place(address: str) -> bool:
    """Say whether an address is one of a network."""
    return any(place_of(channel, address) for channel in NETWORKS)


def names_nobody(place: Place) -> bool:
    """Say whether nothing of people may go there: everybody reads it, or in a messenger nobody has allowed it."""
    if place.public or ChannelCode(place.channel) not in MESSENGERS:
        return place.public
    there = connections.of(place.channel)
    return there is None or not there["personal"]


def personal_in(text: str) -> list[str]:
    """Return what kinds of personal data stand in a text, in Russian; what we publish of ourselves is none."""
    ours = _Ours.gathered()
    kinds = {one.kind for one in personal_data.found(text) if not ours.has(one.kind, text[one.start : one.end])}
    return [words for kind, words in KINDS.items() if kind in kinds]


def check_seen_by_all(text: str) -> None:
    """Raise SeenByAll where a text that everybody will read tells of people."""
    if kinds := personal_in(text):
        raise SeenByAll(what=", ".join(kinds))


def check_public(item: ToSend) -> None:
    """Raise DeliveryError, for good, where a comment would show what only the applicant may read."""
    try:
        check_seen_by_all(item.text)
    except SeenByAll as refusal:
        raise DeliveryError(str(refusal), permanent=True) from None
    if item.files:
        raise DeliveryError(
            "К комментарию файлы не прикладываются: в письме стоят имя и адрес. Отправьте ответ личным сообщением.",
            permanent=True,
        )


@dataclass(frozen=True)
class _Ours:
    """Telephones, mailboxes and addresses of the department, as everybody may know them."""

    numbers: frozenset[str]
    mailboxes: frozenset[str]
    addresses: tuple[frozenset[str], ...]

    @classmethod
    def gathered(cls) -> _Ours:
        department = staff.department()
        points = list(ContactPoint.objects.exclude(address="").values_list("address", flat=True))
        told = [department.phone, department.email, department.address, *points]
        numbers = {number for one in told for number in _numbers(one)}
        mailboxes = frozenset(one.casefold().strip() for one in told)
        return cls(frozenset(numbers), mailboxes, tuple(_words(one) for one in told if any(map(str.isdigit, one))))

    def has(self, kind: str, said: str) -> bool:
        if kind == "phone":
            numbers = list(_numbers(said))  # with the code of the town or without
            ours = [any(one.endswith(two) or two.endswith(one) for two in self.numbers) for one in numbers]
            return bool(numbers) and all(ours)
        if kind == "email":
            return said.casefold().strip() in self.mailboxes
        if kind == "name":
            return _is_signature(said)
        # With the town or the room, or without: it is the same house.
        return kind == "address" and any(one <= _words(said) or _words(said) <= one for one in self.addresses)


def _is_signature(said: str) -> bool:
    """Say whether a name is one of ours as it is signed: whole or with initials, never the surname alone."""
    told = _in_order(said)
    for one in Employee.objects.filter(last_name__in=re.findall(r"[А-ЯЁ][А-ЯЁа-яё-]+", said)).exclude(first_name=""):
        last, names = _in_order(one.last_name), _in_order(f"{one.first_name} {one.patronymic}")
        initials = [word[:1] for word in names]
        if told in ([*last, *names], [*names, *last], [*last, *initials], [*initials, *last]):
            return True
    return False


def _in_order(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _numbers(text: str) -> Iterator[str]:
    for found in re.findall(r"\+?\d(?:[\s()–-]*\d){4,}", text):
        yield re.sub(r"\D", "", found)[-10:]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", re.sub(r"\d{6}", "", text.casefold())))
