"""Checked sites, kept small until they are used: there may be many thousands, and files are read once per run."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.model.sites import DesiredSite

_LEVEL = 1
_RAW = -15


ROOM: Final = 256 * 1024
"""How many bytes of files have their sites kept as they are, at about six bytes of memory for each.

Packing takes a tenth of the time of reading a site, and pays off only for many sites or large ones.
"""


class KeptSite(Struct, frozen=True, gc=False):
    """A site kept as it is."""

    site: DesiredSite

    def unpack(self) -> DesiredSite:
        """The site."""
        return self.site


class PackedSite(Struct, frozen=True, gc=False):
    """A site in a few hundred bytes. `sample` is what the project's sites have in common; all of them share it."""

    sample: bytes
    data: bytes

    def unpack(self) -> DesiredSite:
        """The site that was packed."""
        import zlib

        from reconciler.model.codec import from_json

        unpacker = zlib.decompressobj(_RAW, zdict=self.sample)
        return from_json(DesiredSite, unpacker.decompress(self.data) + unpacker.flush())


class Packer:
    """Packs the sites of one project."""

    def __init__(self, *, all_of_them: bool = False) -> None:
        self._sample = b""
        self._left = 0 if all_of_them else ROOM

    def pack(self, site: DesiredSite, size: int) -> KeptSite | PackedSite:
        """A packed site. The first one that is packed becomes the sample for the others.

        `size`: the bytes it was read from. Approved texts are in files of their own, and always packed.
        """
        self._left -= size
        if self._left >= 0 and not site.approvals.activities:
            return KeptSite(site)
        import zlib

        from reconciler.model.codec import to_json

        data = to_json(site)
        if not self._sample:
            self._sample = data[:32768]
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, zdict=self._sample)
        return PackedSite(self._sample, packer.compress(data) + packer.flush())
