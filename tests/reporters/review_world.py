"""A review with everything that is hard to show: long texts, other scripts, markup, no image, many images."""

from __future__ import annotations

import base64

from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.policy import Policy
from reconciler.model.posts import Media, Post, PostId, PostStatus
from reconciler.model.schedule import ScheduleRule
from reconciler.model.selectors import Match
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.review import Review
from reconciler.planner.review_builder import review_of
from tests.planner.publishing_world import NOW, activity, approved, desired, post, scheduled_before, site

LONG = ("Our winter collection is here: hand-thrown stoneware for every kitchen. ☕️ " * 40)[:2199] + "!"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> \"quoted\" & 'single' ]]> --> </article></style>\n"
    "::error file=x::pwned\n[link](javascript:alert(3)) @everyone \x1b[31mred\x1b[0m \u202egnp.exe ${style} $body"
)
ARABIC = "مجموعة الشتاء وصلت! 🎉\nأكواب مصنوعة يدوياً، خصم 20٪ حتى نهاية الأسبوع.\n\n#خزف #صنع_يدوي Jane's Pottery"
EMOJI = "👩‍🎨🏳️‍🌈🫖 " * 30


def picture(number: int) -> Media:
    """An image that needs no network: the page's own policy forbids it, so the card shows its text instead."""
    return Media("IMAGE", f"https://static.wixstatic.com/media/{number}~mv2.jpg")


def review(policy: Policy | None = None, *more: Activity) -> Review:
    """The review of a site in Berlin, with more activities if a test has texts of its own."""
    pin = replace(
        post("pin", "PINTEREST"),
        texts=(("title", "Glazes, explained"), ("description", "Six of them.")),
        link="https://x.example",
    )
    story = replace(post("story", type="STORY", caption=""), media=(picture(1), picture(2), picture(3)))
    activities = (
        activity(
            "a",
            post("long", caption=LONG),
            post("plain", "FACEBOOK"),
            post("li", "LINKEDIN", caption="Short."),
            pin,
            title="Winter collection launch",
        ),
        activity(
            "b",
            post("rtl", caption=ARABIC),
            post("emoji", "FACEBOOK", caption=EMOJI),
            days=9,
            title="إطلاق مجموعة الشتاء",
        ),
        activity(
            "c",
            post("bad", caption=HOSTILE),
            replace(post("none", "FACEBOOK", caption="Guaranteed"), media=()),
            days=9.2,
            title=HOSTILE,
        ),
        activity(
            "d",
            story,
            post(
                "tok",
                "TIKTOK",
                type="VIDEO",
                media=(Media("VIDEO", "https://video.wixstatic.com/v.mp4"), Media("IMAGE", "javascript:alert(4)")),
            ),
            days=35,
            title="Studio tour",
        ),
        activity(
            "e",
            post("out", status=PostStatus.SCHEDULED, at=NOW),
            post("again", "GBP", caption="Open on Sunday"),
            days=36,
            title="Open studio",
        ),
        *more,
    )
    agreed = approved(replace(activities[0], posts=(activities[0].posts[1],)), activities[4])
    live = site(*activities, zone="Europe/Berlin")
    wanted = desired(ScheduleRule(Match()), approvals=agreed)
    options = PlanOptions(NOW, policy or Policy(banned_words=("guaranteed",)))
    before = scheduled_before(
        Post(PostId("again"), "GBP", "POST", PostStatus.DRAFT, (("caption", "Open on Sunday"),), post("x").media)
    )
    return review_of(wanted, live, before, make_plan(wanted, live, before, options), options)


def shown_offline(page: str) -> str:
    """The page with pictures that need no network, for screenshots: the policy is widened for it."""

    def svg(number: int) -> str:
        colour = f"hsl({number * 70},45%,70%)"
        drawn = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
            f'<rect width="40" height="40" fill="{colour}"/><circle cx="20" cy="22" r="11" fill="#fff8"/></svg>'
        )
        return "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()

    page = page.replace("img-src https:", "img-src data:")
    for number in range(4):
        page = page.replace(f"https://static.wixstatic.com/media/{number}~mv2.jpg", svg(number))
    return page.replace("https://static.wixstatic.com/media/a.jpg", svg(4))
