"""Owns generated content and media import: texts and images made on request (10.7)."""

from __future__ import annotations

from reconciler.sandbox import checks, content, pictures, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import not_found, unparsable, violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import CHANNELS, PLAN_CHANNELS

_ASSETS = ("STORES_PRODUCT", "STORES_CATEGORY", "STORES_COUPON", "BLOG_POST", "EVENT", "BOOKINGS_SERVICE")  # S-wix

_WITHOUT_CHANNELS = ["INSTAGRAM", "FACEBOOK", "LINKEDIN", "PINTEREST", "GBP", "TIKTOK"]  # S-wix


def _required(call: Call, name: str) -> str:
    given = checks.text(name, call.body.get(name))
    if not given:
        raise violation(name, "must not be empty", "REQUIRED_FIELD")
    return given


def text(call: Call) -> JsonDict:
    """`POST /generate-text`: userInput is required (D); returns results with caption and title (S-wix)."""
    prompt = _required(call, "userInput")
    channel = checks.choice("channelName", call.body.get("channelName"), CHANNELS) or "INSTAGRAM"
    made = content.caption({"title": prompt[:80]}, {}, channel, call.site.id, prompt)
    return {"results": [{"caption": made, "title": prompt[:80].capitalize()}]}


def post_data(call: Call) -> JsonDict:
    """`POST /generate-post-data`: userInput and/or exactly one site asset (S-wix)."""
    prompt = checks.text("userInput", call.body.get("userInput"))
    assets = call.body.get("siteAssets") or []
    if not isinstance(assets, list) or len(assets) > 1 or not (prompt or assets):
        raise violation("siteAssets", "must have exactly one item, or userInput must be given")
    for asset in assets:
        if not isinstance(asset, dict):
            raise unparsable()
        checks.choice("siteAssets[0].type", asset.get("type"), _ASSETS)
    channels = call.body.get("channels") or _WITHOUT_CHANNELS
    if not isinstance(channels, list):
        raise unparsable()
    subject = {"title": prompt or f"{assets[0].get('type', 'asset')} {assets[0].get('id', '')}"}
    results = []
    for place, name in enumerate(channels):
        checks.choice(f"channels[{place}]", name, PLAN_CHANNELS)
        results.append({"channelName": name, **content.post(name, subject, {}, None, (call.site.id, subject["title"]))})
    return {"results": results}


def image(call: Call) -> JsonDict:
    """`POST /generate-image`: userInput and imageUrl are both required (S-wix); the image comes later."""
    prompt, source = _required(call, "userInput"), _required(call, "imageUrl")
    execution = call.site.new_id("image")
    url = pictures.address(call.site.id, prompt, source, title=prompt)
    call.site.files[execution] = {
        "due": call.later(call.seed.latency.media),
        "imageUrl": url,
        "fileId": pictures.file_id(url),
    }
    call.changed()
    return {"status": "OK", "executionId": execution}


def get_image(call: Call) -> JsonDict:
    """`GET /generated-image/{executionId}`; unknown: 404 GENERATED_IMAGE_NOT_FOUND (S-wix)."""
    found = call.site.files.get(call.params["executionId"])
    if found is None or "imageUrl" not in found:
        raise not_found("generated image not found", "GENERATED_IMAGE_NOT_FOUND")
    if times.must(found["due"]) > call.now:
        return {"status": "IN_PROGRESS"}
    return {"status": "READY", "imageUrl": found["imageUrl"], "fileId": found["fileId"]}


def import_file(call: Call) -> JsonDict:
    """`POST /site-media/v1/files/import` (S-wix)."""
    url = _required(call, "url")
    name = checks.text("displayName", call.body.get("displayName")) or "imported"
    made = pictures.address(call.site.id, url, title=name)
    file_id = pictures.file_id(made)
    call.site.files[file_id] = {"due": call.later(call.seed.latency.media), "url": made}
    call.changed()
    return {"file": _file(call, file_id)}


def get_file(call: Call) -> JsonDict:
    """`GET /site-media/v1/files/{id}`: operationStatus is READY in the end (S-wix)."""
    if "url" not in call.site.files.get(call.params["id"], {}):
        raise not_found("file not found", "FILE_NOT_FOUND")
    return {"file": _file(call, call.params["id"])}


def _file(call: Call, file_id: str) -> JsonDict:
    found = call.site.files[file_id]
    ready = times.must(found["due"]) <= call.now
    return {"id": file_id, "url": found["url"], "operationStatus": "READY" if ready else "PENDING"}
