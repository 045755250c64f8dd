"""The two questions after an answer, as buttons of a messenger: asked one after the other, kept once.

What has been answered so far stands in the button itself, so nothing is kept here before the last one is pressed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from otklik.core.errors import DomainError
from otklik.surveys import feedback, questions
from otklik.surveys.models import Invitation

_LINK: Final = re.compile(r"/feedback/([\w-]{10,40})/")
_DATA: Final = re.compile(r"2q\|([\w-]{10,40})\|(\d(?:\.\d)*)")
THANKS: Final = "Спасибо, ваш отзыв получен."
STALE: Final = "Эта кнопка больше не действует."


@dataclass(frozen=True)
class Step:
    """What is shown: a text and under it buttons (words, data); without buttons it is over."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()


def of_letter(text: str) -> Step | None:
    """Return the first question of a letter that invites to answer; None where it invites to nothing any more."""
    link = _LINK.search(text)
    try:
        invitation = feedback.find(link[1]) if link else None
    except feedback.InvitationUnknown:
        return None
    if invitation is None or not feedback.is_open(invitation) or hasattr(invitation, "response"):
        return None
    return _step(invitation, []) if _asked(invitation) else None


def pressed(data: str) -> Step:
    """Return what a pressed button leads to; the last one keeps the answers, pressed again it keeps nothing more."""
    told = _DATA.fullmatch(data)
    if told is None:
        return Step(STALE)
    try:
        invitation = feedback.find(told[1])
        picks = [int(one) for one in told[2].split(".") if one]
        asked = _asked(invitation)
        chosen = [questions.offered(asked[place])[pick][0] for place, pick in enumerate(picks)]
        if len(picks) < len(asked):
            return _step(invitation, picks)
        feedback.answer(invitation.token, dict(zip((one["code"] for one in asked), chosen, strict=True)))
    except DomainError as refusal:
        return Step(str(refusal))
    except IndexError:  # written by somebody else's hand
        return Step(STALE)
    return Step(THANKS)


def _asked(invitation: Invitation) -> list[dict[str, Any]]:
    return [one for one in invitation.questionnaire.questions if one.get("required") and one["kind"] == "choice"]


def _step(invitation: Invitation, picks: list[int]) -> Step:
    asked = _asked(invitation)
    question = asked[len(picks)]
    so_far = [str(pick) for pick in picks]
    buttons = tuple(
        (words, f"2q|{invitation.token}|{'.'.join([*so_far, str(number)])}")
        for number, (_, words) in enumerate(questions.offered(question))
    )
    return Step(question["text"], buttons)
