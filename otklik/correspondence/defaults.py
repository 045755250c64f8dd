"""The starting contact points. Loading again adds what is missing and changes nothing that is there."""

from __future__ import annotations

from datetime import date

from otklik.correspondence.models import ChannelCode, ContactPoint

SINCE = date(2024, 8, 16)  # приказ № 2725-НПА, п. 3.1

POINTS = [
    ("email-info", "Электронная почта департамента", ChannelCode.EMAIL, ""),
    ("site-form", "Форма на сайте департамента", ChannelCode.WEBSITE, "/write/"),
    ("post-office", "Почта, нарочно", ChannelCode.POST, ""),
    ("front-desk", "Приёмная департамента", ChannelCode.RECEPTION, ""),
    ("hotline", "Консультационная линия", ChannelCode.HOTLINE, "8 (383) 238-60-02, 8 (383) 238-60-62"),
    ("ekc-110", "Единый контактный центр", ChannelCode.EKC, "110"),
    ("governor", "Сайт Общественной приёмной Губернатора", ChannelCode.GOVERNOR, ""),
    ("medo", "МЭДО", ChannelCode.MEDO, ""),
    ("vk", "Сообщество ВКонтакте", ChannelCode.VK, ""),
    ("ok", "Группа в Одноклассниках", ChannelCode.OK, ""),
    ("telegram", "Telegram", ChannelCode.TELEGRAM, ""),
    ("pos", "ПОС «Госуслуги. Решаем вместе»", ChannelCode.POS, ""),
    ("max", "Мессенджер MAX", ChannelCode.MAX, ""),
]


def load() -> None:
    """Fill the contact points of the channels of the order, and of MAX."""
    ContactPoint.objects.bulk_create(
        [
            ContactPoint(code=code, name=name, channel=channel, address=address, valid_from=SINCE, order=order * 10)
            for order, (code, name, channel, address) in enumerate(POINTS, start=1)
        ],
        ignore_conflicts=True,
    )
