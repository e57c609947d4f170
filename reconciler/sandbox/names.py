"""Owns the API's own names: channels, item shapes, statuses, features, scopes."""

from __future__ import annotations

# D: account object
CHANNELS = ("INSTAGRAM", "FACEBOOK", "YOUTUBE", "LINKEDIN", "TWITTER", "PINTEREST", "GBP", "TIKTOK")
# The channels for which plan posts are made, connected or not, whatever `socialChannels` says (D/S-wix).
PLAN_CHANNELS = ("FACEBOOK", "INSTAGRAM", "LINKEDIN", "PINTEREST", "GBP", "TIKTOK", "TWITTER")
TOKEN_STATUSES = ("VALID", "NEVER_CREATED", "DISCONNECTED", "INVALID")  # S-wix
FEATURES = ("PUBLISH_POST", "SCHEDULE_POST", "AI_TOOLS", "CONNECT_CHANNEL")  # D, S-wix
PERIODS = ("NO_PERIOD", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR")  # S-wix
PLAN_STATUSES = ("NEVER_CREATED", "GENERATING", "ACTIVE", "INACTIVE", "FAILED")  # D
ACTIVITY_TYPES = ("UNKNOWN", "SOCIAL_MARKETING", "EMAIL_MARKETING", "BLOG")  # D; the tool is spelt BLOGS (S-wix)
TOOLS = ("SOCIAL_MARKETING", "BLOGS", "EMAIL_MARKETING")  # S-wix
GOALS = ("DRIVE_TRAFFIC", "BRAND_AWARENESS", "BOOST_SALES", "COLLECT_LEADS")  # S-wix
VIEWS = ("FIRST_PERSON", "SECOND_PERSON", "THIRD_PERSON")  # S-wix
ITEM_STATUSES = (
    "DRAFT", "SCHEDULED", "PROCESSING", "IN_QUEUE", "PUBLISHED", "CANCELED", "FAILED", "DELETED",
)  # S-wix  # fmt: skip

# channel, type -> content object (S-wix, 10.3)
SHAPES = {
    ("INSTAGRAM", "POST"): "instagramPost",
    ("INSTAGRAM", "STORY"): "instagramStory",
    ("FACEBOOK", "POST"): "facebookPost",
    ("FACEBOOK", "REEL"): "facebookReel",
    ("FACEBOOK", "STORY"): "facebookStory",
    ("LINKEDIN", "POST"): "linkedinPost",
    ("PINTEREST", "POST"): "pinterestPost",
    ("GBP", "POST"): "gbpPost",
    ("TIKTOK", "POST"): "tiktokPhoto",
    ("TIKTOK", "VIDEO"): "tiktokVideo",
    ("YOUTUBE", "VIDEO"): "youtubeVideo",
    ("YOUTUBE", "SHORT"): "youtubeShort",
    ("TWITTER", "POST"): "twitterPost",
}
ITEM_TYPES = tuple(dict.fromkeys(kind for _, kind in SHAPES))

SCOPES = {
    "Manage Marketing Plans": "SCOPE.PROMOTE.MANAGE-MARKETING-PLAN",  # D
    "Manage Social Posts": "SCOPE.PROMOTE.MANAGE-SOCIAL-POSTS",  # D
    "Read Site URLs": "SITE_URLS.READ",  # S-sdk
    "Read Sites": "SITE_LIST.READ",  # S-sdk
    "Manage Site Properties": "SITE_PROPERTIES.MANAGE",  # I
    "Manage Media": "SITE_MEDIA.MANAGE",  # I
}
