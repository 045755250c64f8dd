"""Rows of personal reception."""

from otklik.reception.models.appointments import (
    Appointment,
    AppointmentMove,
    AppointmentNotice,
    AppointmentRequest,
    Person,
    SlotCell,
    Source,
)
from otklik.reception.models.cards import (
    CardHandover,
    CardQuestion,
    Instruction,
    NoCard,
    ReceptionCard,
    Recording,
)
from otklik.reception.models.desk import CardCounter, ConsentText
from otklik.reception.models.published import CalendarFeed, ReceptionPhone
from otklik.reception.models.rooms import Room, RoomCheck
from otklik.reception.models.schedule import CELL_MINUTES, Authority, ReceptionException, ReceptionRule

__all__ = [
    "CELL_MINUTES",
    "Appointment",
    "AppointmentMove",
    "AppointmentNotice",
    "AppointmentRequest",
    "Authority",
    "CalendarFeed",
    "CardCounter",
    "CardHandover",
    "CardQuestion",
    "ConsentText",
    "Instruction",
    "NoCard",
    "Person",
    "ReceptionCard",
    "ReceptionException",
    "ReceptionPhone",
    "ReceptionRule",
    "Recording",
    "Room",
    "RoomCheck",
    "SlotCell",
    "Source",
]
