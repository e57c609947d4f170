"""What the public sees of a post, and where: the value that an approval covers.

A live post and an entry of an approvals file both become a PublicContent, so that they are compared member by member
and have the same digest. publisher_fields.py says which fields of a Publisher item are part of it, and why others are
not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Final

from reconciler.model.canonical import Digest, Json, JsonObject, canonical_text, digest_of_text
from reconciler.model.frozen import Struct, instant

_HALF: Final = "[\ud800-\udfff]"


class LinkPreview(Struct, frozen=True):
    """What a channel shows of a link: its headline, its text and the address of its image."""

    title: str = ""
    description: str = ""
    thumbnail: str = ""

    def members(self) -> tuple[tuple[str, str], ...]:
        """The members that are set, by their keys in the file."""
        pairs = (("title", self.title), ("description", self.description), ("thumbnail", self.thumbnail))
        return tuple((name, text) for name, text in pairs if text)


class PublicContent(Struct, frozen=True, dict=True):
    """Texts are kept as they are, and compared in the form that `comparable` returns.

    `account` is the id of the channel's account. `place` says where within it: pairs of (file key, id), such as
    ("page", "1029"). `media` are addresses, with their type unless it is an image. `other` are pairs of (name,
    canonical JSON) of what the API added to a post's content after this version was written.
    """

    channel: str
    type: str
    account: str = ""
    place: tuple[tuple[str, str], ...] = ()
    title: str = ""
    media: tuple[str, ...] = ()
    link: str = ""
    preview: LinkPreview = LinkPreview()
    call_to_action: str = ""
    audience: str = ""
    other: tuple[tuple[str, str], ...] = ()
    caption: str = ""
    description: str = ""

    def facts(self) -> JsonObject:
        """The content as a value. What is empty is left out, so that a member added later changes no digest."""
        members: dict[str, Json] = {
            "channel": self.channel,
            "type": self.type,
            "account": self.account,
            "place": _object(self.place),
            "title": comparable(self.title),
            "media": tuple(map(comparable, self.media)),
            "link": comparable(self.link),
            "preview": _object(self.preview.members()),
            "callToAction": comparable(self.call_to_action),
            "audience": comparable(self.audience),
            "other": _object(self.other),
            "caption": comparable(self.caption),
            "description": comparable(self.description),
        }
        return JsonObject({name: value for name, value in members.items() if value})

    @cached_property
    def canonical(self) -> str:
        """Its canonical text, from which all its digests are made."""
        return canonical_text(self.facts())

    @property
    def digest(self) -> Digest:
        """The digest of the canonical text."""
        return digest_of_text(self.canonical)


class Difference(Struct, frozen=True):
    """A member that differs between the approvals file and the site, by its key in the file; "" means not set."""

    field: str
    in_file: str
    live: str


def approval_digest(post: str, content: PublicContent, date: datetime, account: str = "") -> Digest:
    """What an approval names, as one digest.

    It covers the post's id, its content and place, the activity's own date, and the account's name if reviewers were
    shown one.
    """
    # The canonical text of an object with these members; that of the content is computed only once.
    name = f'"account":{canonical_text(comparable(account))},' if account else ""
    when, which = canonical_text(instant(date)), canonical_text(post)
    return digest_of_text(f'{{{name}"content":{content.canonical},"date":{when},"post":{which}}}')


def counted(digest: Digest, cancelled: int) -> Digest:
    """The digest that an approval names after its content was scheduled and cancelled that many times.

    The count beside it in the file is part of the digest, so that no merge can put an earlier approval beside a later
    count.
    """
    return digest_of_text(f'{{"cancelled":{cancelled},"digest":{canonical_text(digest)}}}') if cancelled else digest


def is_counted(named: str, digest: Digest, cancelled: int) -> bool:
    """Whether an approval names this digest with this count, one more, one less or 0: a merge can change the count."""
    return any(named == counted(digest, count) for count in {cancelled, cancelled - 1, cancelled + 1, 0} if count >= 0)


def differences(in_file: PublicContent, live: PublicContent) -> tuple[Difference, ...]:
    """The members in which the two differ."""
    if in_file.canonical == live.canonical:
        return ()
    before, after = _shown(in_file), _shown(live)
    return tuple(
        Difference(field, before.get(field, ""), after.get(field, ""))
        for field in dict.fromkeys((*after, *before))
        if before.get(field, "") != after.get(field, "")
    )


def whole(text: str) -> str:
    """The text in a form that a file can hold: half of a surrogate pair becomes what a browser shows for it."""
    return re.sub(_HALF, "\ufffd", text)


def comparable(text: str) -> str:
    r"""A text as it is compared and digested: NFC, `\n` for line endings, no leading or trailing whitespace."""
    return unicodedata.normalize("NFC", whole(text).replace("\r\n", "\n")).strip()


def _object(members: Iterable[tuple[str, str]]) -> JsonObject:
    return JsonObject({name: comparable(text) for name, text in members})


def _shown(content: PublicContent) -> dict[str, str]:
    pairs = (
        ("channel", content.channel),
        ("account", content.account),
        *content.place,
        ("type", content.type),
        ("title", content.title),
        ("media", " ".join(content.media)),
        ("link", content.link),
        *((f"preview.{name}", text) for name, text in content.preview.members()),
        ("callToAction", content.call_to_action),
        ("audience", content.audience),
        *((f"other.{name}", value) for name, value in content.other),
        ("caption", content.caption),
        ("description", content.description),
    )
    return {name: comparable(value) for name, value in pairs if comparable(value)}
