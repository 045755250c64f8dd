"""The wheel depends on what `requirements/*.in` name: one list, not two."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Requirements(MetadataHookInterface):
    """Fills `dependencies` and the extras of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the lines that are neither empty nor a comment."""
        metadata["dependencies"] = self._read("base")
        metadata["optional-dependencies"] = {extra: self._read(extra) for extra in ("encoder", "embeddings")}

    def _read(self, name: str) -> list[str]:
        lines = Path(self.root, "requirements", f"{name}.in").read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
