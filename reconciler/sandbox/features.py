"""Owns the premium feature methods: one feature, several features (10.5)."""

from __future__ import annotations

from reconciler.sandbox import premium
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import FEATURES


def get_feature(call: Call) -> JsonDict:
    """`GET /features/{featureType}` (path D, shape S-live)."""
    name = call.params["featureType"]
    if name not in FEATURES:
        raise violation("featureType", f"{name!r} is not one of {', '.join(FEATURES)}", "ENUM")
    return {"featureData": premium.show(call.site, name, call.now)}


def get_features(call: Call) -> JsonDict:
    """`GET /features?featureTypes=A&featureTypes=B`: required, at most 20 (D; shape S-wix)."""
    names = call.query.get("featureTypes", [])
    if not names:
        raise violation("featureTypes", "must not be empty", "REQUIRED_FIELD")
    if len(names) > 20:
        raise violation("featureTypes", "must have at most 20 items", "MAX_SIZE")
    for name in names:
        if name not in FEATURES:
            raise violation("featureTypes", f"{name!r} is not one of {', '.join(FEATURES)}", "ENUM")
    shown = [premium.show(call.site, name, call.now) for name in dict.fromkeys(names)]
    return {"features": shown, "monetizationEnabled": call.site.monetized}
