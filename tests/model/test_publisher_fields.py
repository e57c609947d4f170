"""Each field of a Publisher item in the documented facts has a role: in the digest, or harmless and why."""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.model.content import PublicContent
from reconciler.model.publisher_fields import CONTENT_FIELDS, PLACES, PUBLISHER_FIELDS, Harmless, InDigest

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


def test_each_role_is_of_a_member_that_is_there_or_says_why() -> None:
    for path, role in PUBLISHER_FIELDS.items():
        match role:
            case InDigest(member=member):
                assert member in PublicContent.__struct_fields__, path
            case Harmless(why=why):
                assert len(why) > 10, path
    assert {name.partition(".")[0] for name in PLACES} - {"publishingTarget"} <= CONTENT_FIELDS
