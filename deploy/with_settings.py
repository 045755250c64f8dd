"""Run a command with the settings of the services: `with_settings.py /etc/otklik/otklik.env COMMAND …`.

The file is read as systemd reads an `EnvironmentFile`; it is no shell script, and a shell would read it otherwise.
What the environment says already stays.
"""

import os
import re
import sys
from pathlib import Path

LINE = re.compile(r"^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$")


def settings(text: str) -> dict[str, str]:
    """Return name → value of each line."""
    found = {}
    for line in text.replace("\\\n", "").splitlines():
        if (match := LINE.match(line)) and not line.lstrip().startswith(("#", ";")):
            found[match[1]] = _value(match[2])
    return found


def _value(raw: str) -> str:
    if len(raw) > 1 and raw[0] == raw[-1] == '"':
        return re.sub(r'\\([\\"$`])', r"\1", raw[1:-1])
    if len(raw) > 1 and raw[0] == raw[-1] == "'":
        return raw[1:-1]
    return raw


if __name__ == "__main__":
    path = Path(sys.argv[1])
    said = settings(path.read_text(encoding="utf-8")) if path.exists() else {}
    os.execvpe(sys.argv[2], sys.argv[2:], said | os.environ)  # noqa: S606
