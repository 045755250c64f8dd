"""The wheel depends on what `requirements/base.in` names: one list, not two."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Requirements(MetadataHookInterface):
    """Fills `dependencies` of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the lines that are neither empty nor a comment."""
        lines = Path(self.root, "requirements", "base.in").read_text(encoding="utf-8").splitlines()
        metadata["dependencies"] = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
