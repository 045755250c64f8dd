"""Ways an answer goes to an applicant: what each is called, and what its address must look like."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from otklik.core.errors import DomainError
from otklik.correspondence import social
from otklik.correspondence.models import ChannelCode
from otklik.people import applicants


class WrongAddress(DomainError):
    """An answer sent there would not arrive."""

    code = "appeal.wrong_address"
    text = "Ответ туда не дойдёт: {what}. Исправьте, куда ответить, или выберите другой способ."


class NotInNetwork(DomainError):
    """The law names the ways of answering an appeal; a network is none of them."""

    code = "appeal.not_in_network"
    text = "На обращение по 59-ФЗ в социальной сети и мессенджере не отвечают: выберите электронную почту или почту."


def name(channel: str) -> str:
    """Return how an answer goes, in words; by the telephone line an employee calls the applicant."""
    return "по телефону" if channel == ChannelCode.HOTLINE else str(ChannelCode(channel).label)


def check_address(channel: str, address: str) -> None:
    """Raise WrongAddress where nothing can be delivered there: weeks later nobody would know why."""
    address = address.strip()
    # A site message with an address is answered by e-mail, without one on the page of its state.
    if channel == ChannelCode.EMAIL or (channel == ChannelCode.WEBSITE and "@" in address):
        try:
            validate_email(address)
        except ValidationError as exc:
            raise WrongAddress(what=f"«{address}» — не адрес электронной почты, нужен вид имя@сайт.ru") from exc
    elif channel == ChannelCode.POST and not address:
        raise WrongAddress(what="не указан почтовый адрес")
    elif channel == ChannelCode.HOTLINE and not applicants.phone_key(address):
        raise WrongAddress(what=f"«{address}» — не номер телефона, нужен вид 8 913 123-45-67")
    elif channel in social.NETWORKS and social.place_of(channel, address) is None:
        shape = social.NETWORKS[ChannelCode(channel)]
        raise WrongAddress(what=f"«{address}» — не адрес в сети «{name(channel)}», нужен вид {shape}")


def check_regime(channel: str, *, statutory: bool) -> None:
    """Raise NotInNetwork where the law does not let an answer go that way."""
    if statutory and channel in social.NETWORKS:
        raise NotInNetwork
