"""Django's own backend, told how much fits into one statement: the protocol counts parameters in two bytes.

Django 5.2 binds parameters on the server where it is asked to and does not know of this limit; 6.0 does, and this
package goes with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.backends.postgresql import base, features, operations


class DatabaseFeatures(features.DatabaseFeatures):
    """A statement has so many parameters at most; `in_bulk` and the like ask in portions then."""

    max_query_params = 2**16 - 1


class DatabaseOperations(operations.DatabaseOperations):
    """Rows are written in portions that fit."""

    def bulk_batch_size(self, fields: Collection[Any], objs: Collection[Any]) -> int:
        """Return how many rows of so many fields go into one statement."""
        return min(len(objs), DatabaseFeatures.max_query_params // max(len(fields), 1))


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that knows both."""

    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
