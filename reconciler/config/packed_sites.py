"""Checked sites, kept small until they are used: there may be many thousands, and files are read once per run.

The first ones stay as they are. The others are on disk, and only their positions there stay in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from msgspec import Struct

from reconciler.config.stamps import Stamp
from reconciler.model.diagnostics import Place
from reconciler.model.sites import DesiredSite

if TYPE_CHECKING:  # small projects need none
    from reconciler.spool import Spool

_LEVEL = 1
_RAW = -15


ROOM: Final = 256 * 1024
"""Sites are kept unpacked until their files add up to this many bytes; in memory, they take about six times as many.

Packing takes a tenth of the time of reading a site, and pays off only for many sites or large ones.
"""


class Details(Struct, frozen=True, gc=False):
    """Details of a site that are rarely needed for all sites at once. `place` is where its document begins.

    `stamp` is the stamp of its file when that was read.
    """

    id: str
    place: Place
    stamp: Stamp = None


class KeptSite(Struct, frozen=True, gc=False):
    """A site kept as it is."""

    details: Details
    site: DesiredSite

    def unpack(self) -> DesiredSite:
        """The site."""
        return self.site


class NotKept(Struct, frozen=True, gc=False):
    """A site that was only checked, for a command that needs nothing that it declares."""

    id: str
    place: Place
    stamp: Stamp

    @property
    def details(self) -> Details:
        """What is known about the site."""
        return Details(self.id, self.place, self.stamp)

    def unpack(self) -> NoReturn:
        """Nothing was kept."""
        raise LookupError(f"{self.place.file} was read to check it, not to use it")


class PackedSite(Struct, frozen=True, gc=False):
    """A site in a few hundred bytes. `sample` is the project's first packed site: all are compressed against it.

    `data` has the details on its first line.
    """

    sample: bytes
    data: bytes

    @property
    def details(self) -> Details:
        """What is known about the site, apart from what it declares."""
        from reconciler.model.codec import from_json

        return from_json(Details, self.data.partition(b"\n")[0])

    def unpack(self) -> DesiredSite:
        """The site that was packed."""
        import zlib

        from reconciler.model.codec import from_json

        unpacker = zlib.decompressobj(_RAW, zdict=self.sample)
        return from_json(DesiredSite, unpacker.decompress(self.data.partition(b"\n")[2]) + unpacker.flush())


class SpooledSite(Struct, frozen=True, gc=False):
    """A packed site that is on disk."""

    sample: bytes
    spool: Spool
    number: int

    @property
    def packed(self) -> PackedSite:
        """The packed site, read from disk."""
        return PackedSite(self.sample, self.spool[self.number])

    @property
    def details(self) -> Details:
        """What is known about the site, apart from what it declares."""
        return self.packed.details

    def unpack(self) -> DesiredSite:
        """The site that was packed."""
        return self.packed.unpack()


KeptForm: TypeAlias = KeptSite | PackedSite | SpooledSite | NotKept
"""What is kept of a site."""


class Packer:
    """Packs the sites of one project."""

    def __init__(self) -> None:
        self._sample = b""
        self._left = ROOM
        self._spool: Spool | None = None

    def keep(self, site: DesiredSite, size: int, details: Details) -> KeptSite | SpooledSite:
        """A site as it is, or packed.

        `size`: the bytes it was read from. A site with approvals is always packed: `size` does not include their file.
        """
        self._left -= size
        if self._left >= 0 and not site.approvals.activities:
            return KeptSite(details, site)
        return self.spool(self.pack(site, details))

    def pack(self, site: DesiredSite, details: Details) -> PackedSite:
        """A packed site. The first one that is packed becomes the sample for the others."""
        import zlib

        from reconciler.model.codec import to_json

        data = to_json(site)
        if not self._sample:
            self._sample = data[:32768]
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, zdict=self._sample)
        return PackedSite(self._sample, to_json(details) + b"\n" + packer.compress(data) + packer.flush())

    def spool(self, packed: PackedSite) -> SpooledSite:
        """A packed site, put on disk. Raises OSError if the disk is full."""
        if self._spool is None:
            from reconciler.spool import Spool

            self._spool = Spool()
        return SpooledSite(packed.sample, self._spool, self._spool.append(packed.data))
