"""Diagnostics in words: the one place where a problem becomes a sentence."""

from __future__ import annotations

from reconciler.model.diagnostics import Diagnostic


def sentence(diagnostic: Diagnostic) -> str:
    """`sites/shop.yaml:3:5: toneOfVoice: expected text; quote it (request id ...)`: where, what, what to do."""
    where = diagnostic.place or diagnostic.address
    text = f"{where}: {diagnostic.message}" if where is not None else diagnostic.message
    text += f"; {diagnostic.fix}" if diagnostic.fix else ""
    return f"{text} (request id {diagnostic.request_id})" if diagnostic.request_id else text
