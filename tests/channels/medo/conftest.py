"""A node of МЭДО: two folders, and the channel connected to them."""

from __future__ import annotations

import pytest

from tests.channels.medo.node import Node


@pytest.fixture
def node(db, tmp_path) -> Node:
    return Node(tmp_path / "node")
