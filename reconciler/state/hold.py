"""Hold: a lease as it stands in the store, and its JSON text."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.address import SITE_NAME, SiteName
from reconciler.state.errors import StateError
from reconciler.state.holder import Holder
from reconciler.state.store import Version
from reconciler.state.values import Malformed, Members, from_bytes, time_text, to_bytes

FORMAT_VERSION: Final = 1
FOLDER: Final = "leases/"

_SUFFIX: Final = ".json"


class Hold(Struct, frozen=True):
    """A lease as it stands in the store: whose it is, since when, and until when unless it is renewed."""

    site: SiteName
    holder: Holder
    since: datetime
    expires: datetime
    version: Version


def key_of(site: SiteName) -> str:
    """The key of a site's lease."""
    return f"{FOLDER}{site}{_SUFFIX}"


def site_of(key: str) -> SiteName | None:
    """The site whose lease is under a key, None for what is no lease."""
    name = key.removeprefix(FOLDER).removesuffix(_SUFFIX)
    return SiteName(name) if key == f"{FOLDER}{name}{_SUFFIX}" and SITE_NAME.match(name) else None


def encode(hold: Hold, *, released: bool) -> bytes:
    holder = hold.holder
    return to_bytes(
        {
            "formatVersion": FORMAT_VERSION,
            "site": hold.site,
            "released": released,
            "since": time_text(hold.since),
            "expires": time_text(hold.expires),
            "holder": {
                "host": holder.host,
                "process": holder.process,
                "user": holder.user,
                "token": holder.token,
                "machine": holder.machine,
                "started": holder.started,
                "ciUrl": holder.ci_url,
            },
        }
    )


def decode(data: bytes, place: str, site: SiteName, version: Version) -> Hold | None:
    """The lease a text holds, None for one that was given back."""
    members = Members(from_bytes(data, place=place, version=FORMAT_VERSION, migrations={}))
    try:
        members.take("site", str)
        released = members.take("released", bool)
        since, expires = members.instant("since"), members.instant("expires")
        one = members.members("holder")
        holder = Holder(
            host=one.take("host", str),
            process=one.take("process", int),
            user=one.take("user", str),
            token=one.take("token", str),
            machine=one.take("machine", str),
            started=one.take("started", str),
            ci_url=one.text_or_none("ciUrl"),
        )
        one.end()
        members.end()
    except Malformed as error:
        fix = "make sure that no run works on the site, then remove it"
        raise StateError(place, f"is corrupt ({error})", fix) from None
    return None if released else Hold(site, holder, since, expires, version)
