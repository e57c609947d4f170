"""Checked sites, kept small until they are used: there may be many thousands, and files are read once in a run."""

from __future__ import annotations

import pickle
import zlib

from msgspec import Struct

from reconciler.model.sites import DesiredSite

_LEVEL = 1
_RAW = -15


class PackedSite(Struct, frozen=True):
    """A site as some hundred bytes. `sample` is what sites of the project have in common, shared by all of them."""

    sample: bytes
    data: bytes

    def unpack(self) -> DesiredSite:
        """The site as it was packed."""
        unpacker = zlib.decompressobj(_RAW, zdict=self.sample)
        # These bytes were pickled by this very process.
        site = pickle.loads(unpacker.decompress(self.data) + unpacker.flush())  # noqa: S301 - see above
        assert isinstance(site, DesiredSite)
        return site


class Packer:
    """Packs the sites of one project."""

    def __init__(self) -> None:
        self._sample = b""

    def pack(self, site: DesiredSite) -> PackedSite:
        """A site, packed; the first one becomes the sample of the others."""
        data = pickle.dumps(site, pickle.HIGHEST_PROTOCOL)
        if not self._sample:
            self._sample = data[:32768]
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, zdict=self._sample)
        return PackedSite(self._sample, packer.compress(data) + packer.flush())
