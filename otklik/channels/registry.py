"""Every channel that is built, by its code: what workers loop over."""

from __future__ import annotations

from otklik.channels.governor.adapter import GovernorChannel
from otklik.channels.handover import handed
from otklik.channels.handover.reader import HandoverReader
from otklik.channels.mail.adapter import MailChannel
from otklik.channels.max.adapter import MaxChannel
from otklik.channels.medo.adapter import MedoChannel
from otklik.channels.ok.adapter import OkChannel
from otklik.channels.pos.adapter import PosChannel
from otklik.channels.post.adapter import PostChannel
from otklik.channels.site.adapter import SiteChannel
from otklik.channels.telegram.adapter import TelegramChannel
from otklik.channels.vk.adapter import VkChannel
from otklik.correspondence.channel import Channel, Connected, Listener, Reader


def all_channels() -> dict[str, Channel]:
    """Return the channels by code."""
    channels: list[Channel] = [MailChannel(), SiteChannel()]
    return {**{channel.code: channel for channel in channels}, **all_connected()}


def all_connected() -> dict[str, Connected]:
    """Return the channels that an administrator connects on their pages, by code."""
    connected: list[Connected] = [
        *(VkChannel(), OkChannel(), TelegramChannel(), MaxChannel()),
        *(MedoChannel(), PosChannel(), PostChannel(), GovernorChannel()),
    ]
    return {channel.code: channel for channel in connected}


def all_listeners() -> dict[str, Listener]:
    """Return the channels whose other side calls us, by code."""
    listeners: list[Listener] = [VkChannel(), OkChannel(), TelegramChannel(), MaxChannel()]
    return {channel.code: channel for channel in listeners}


def all_readers() -> dict[str, Reader]:
    """Return who reads kept messages, by code: the channels, and for those nobody fetches from what is handed over."""
    return {**dict.fromkeys(handed.CHANNELS, HandoverReader()), **all_channels()}
