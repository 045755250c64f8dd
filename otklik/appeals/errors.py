"""Refusals that several steps share; what only one step says is in its own file."""

from __future__ import annotations

from otklik.core.errors import DomainError


class NotAllowed(DomainError):
    """The employee lacks the power."""

    code = "appeal.not_allowed"
    text = "Чтобы {what}, нужно право «{power}». Обратитесь к администратору."
    status = 403


class NotYours(DomainError):
    """The employee holds the power, but not for this appeal."""

    code = "appeal.not_yours"
    text = "Обращение № {number}: {what} может только {who}."
    status = 403


class WrongDate(DomainError):
    """A date does not fit the others."""

    code = "appeal.wrong_date"
    text = "{what} Исправьте дату и повторите."
