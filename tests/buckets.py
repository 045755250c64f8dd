"""Stored files in a bucket: fixtures of those packages whose conftest imports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import Bucket, s3

if TYPE_CHECKING:
    from otklik.core.bucket import BucketStorage


@pytest.fixture(scope="module")
def bucket_server() -> Iterator[Bucket]:
    with s3() as bucket:
        yield bucket


@pytest.fixture
def bucket(bucket_server: Bucket, settings: Any) -> BucketStorage:
    """Keep files in a bucket of a server that speaks S3, empty at the beginning."""
    from otklik.core import files

    settings.S3_URL, settings.S3_KEY, settings.S3_SECRET = bucket_server.url, "key-of-ours", "secret-of-ours"
    settings.STORAGES = settings.STORAGES | {"files": {"BACKEND": "otklik.core.bucket.BucketStorage"}}
    place: Any = files.storage()
    place.bucket.delete([name for name, _ in place._objects()])
    return place  # type: ignore[no-any-return]
