"""The department the tests of appeals have."""

from tests.appeals.conftest import world

__all__ = ["world"]
