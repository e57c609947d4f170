"""Ids that files may hold, as the schemas and the model have them."""

from __future__ import annotations

import re

import pytest

from reconciler.config.schema import schema
from reconciler.model.posts import fits_in_files


@pytest.mark.parametrize(
    "id", ["b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30", "a", "{a}", "-a", "a b", "", "a" * 128, "a" * 129]
)
def test_an_id_fits_in_files_if_their_schema_takes_it(id: str) -> None:
    pattern = schema("approvals")["definitions"]["objectId"]["pattern"]
    assert fits_in_files(id) == (re.search(pattern, id) is not None)
