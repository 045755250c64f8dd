"""Every channel that is built, by its code: what workers loop over."""

from __future__ import annotations

from otklik.channels.mail.adapter import MailChannel
from otklik.channels.site.adapter import SiteChannel
from otklik.correspondence.channel import Channel


def all_channels() -> dict[str, Channel]:
    """Return the channels by code."""
    channels: list[Channel] = [MailChannel(), SiteChannel()]
    return {channel.code: channel for channel in channels}
