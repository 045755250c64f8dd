"""A step done in a process of its own, which may be killed on the way."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from django.db import connections

from otklik.core import crashpoints


def in_a_process(step: Callable[[], None], *, crash_at: str = "") -> bool:
    """Do the step in a process of its own; say whether it was killed on the way."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            crashpoints.arm(crash_at)
            step()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False
