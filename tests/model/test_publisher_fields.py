"""Each field of a Publisher item in the documented facts is in the digest, or known not to be."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.model.content import PublicContent
from reconciler.model.publisher_fields import CONTENT_FIELDS, PLACES, PUBLISHER_FIELDS

FACTS = Path(__file__).resolve().parents[2] / "docs" / "remote-api.md"
NO_FIELDS = {"channel", "type", "object", "fields"}


def test_every_field_that_the_facts_name_is_in_the_table() -> None:
    text = FACTS.read_text("utf-8")
    section = text[text.index("### 10.2 ") : text.index("### 10.4 ")]
    named = {name for found in re.findall(r"`([^`]+)`", section) for name in re.findall(r"\b[a-z][A-Za-z]+\b", found)}
    objects = {name for name in named if re.search(r"(Post|Story|Reel|Photo|Video|Short)$", name)}
    known = {part.removesuffix("[]") for path in PUBLISHER_FIELDS for part in path.split(".")}
    assert {"caption", "siteAssetRef", "fileId", "linkMetadata"} <= named
    assert named - objects - known == set()


def test_each_field_that_people_approve_has_a_member_in_the_content() -> None:
    members = {member for member in PUBLISHER_FIELDS.values() if member is not None}
    assert members - set(PublicContent.__struct_fields__) == set()
    assert {name.partition(".")[0] for name in PLACES} - {"publishingTarget"} <= CONTENT_FIELDS
