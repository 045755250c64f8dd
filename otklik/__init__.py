"""Отклик: client-interaction system of a government department."""

__version__ = "0.1.0"
