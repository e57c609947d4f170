"""Which settings a write leaves alone."""

from __future__ import annotations

from reconciler.model.canonical import freeze_object
from reconciler.model.settings import MarketingSettings, unnamed_fields


def test_a_write_leaves_what_its_mask_does_not_name_and_nobody_derives() -> None:
    weekly, monthly = {"interval": "WEEK", "count": 3}, {"interval": "MONTH", "count": 1}
    live = MarketingSettings(
        freeze_object({"toneOfVoice": "dry", "imageGuidelines": "no people", "language": "en", "topics": {}}),
        freeze_object({"blogs": {"frequency": monthly, "new": 1}, "socialMarketing": {"frequency": weekly}}),
    )
    left = unnamed_fields(live, ["settings.toneOfVoice", "overrides.socialMarketing.frequency"])
    assert [field.path for field in left] == [
        "overrides.blogs.frequency", "overrides.blogs.new", "settings.imageGuidelines",
    ]  # fmt: skip
