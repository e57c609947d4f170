"""How one changed field is shown: what differs in it, even far into a text, or where nobody can see it."""

from __future__ import annotations

import pytest

from reconciler.model.canonical import Json, JsonObject
from reconciler.model.writes import FieldChange
from reconciler.reporters.values import change_row
from reconciler.reporters.words import shortened

LONG = " ".join(f"sentence {number} of it." for number in range(30))


def shown(before: Json, after: Json, *, whole: bool = False) -> str:
    spans = change_row(FieldChange("settings.x", before, after), whole=whole).spans
    return "".join(span.text if span.glued or not number else f"  {span.text}" for number, span in enumerate(spans))


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("2026-07-10", "2026-07-12T09:30:00Z", "2026-07-10  ->  2026-07-12T09:30:00Z"),
        (("a", "b"), ("b", "a"), "[a, b]  ->  [b, a]  (same items in a different order or number)"),
        (("a", "a"), ("a",), "[a, a]  ->  [a]  (same items in a different order or number)"),
        (("café",), ("cafe\u0301",), "café  ->  cafe\\u0301  (they look the same)"),
        (("mugs", "bowls"), ("bowls", "plates"), "+ plates  - mugs"),
        ("a  b", "a b", "a··b  ->  a·b  (they look the same)"),
        ("warm\u00a0tone", "warm tone", "warm\\xa0tone  ->  warm·tone  (they look the same)"),
        (("b", "x  y"), ("d", "x y"), "+ d  - b  ~  x··y  ->  x·y  (they look the same)"),
        ("warm", "w\u0430rm", "w(Latin a)rm  ->  w(Cyrillic \u0430)rm  (they look the same)"),
        ("\u043c\u0430\u043c\u0430", "\u043c\u0430\u043ca",
         "\u043c\u0430\u043c(Cyrillic \u0430)  ->  \u043c\u0430\u043c(Latin a)  (they look the same)"),
        ("COME", "\u0421\u041e\u041c\u0415",
         "(Latin COME)  ->  (Cyrillic \u0421\u041e\u041c\u0415)  (they look the same)"),
        ("No  x", "N\u03bf x", "No··x  ->  N(Greek \u03bf) x  (they look the same)"),
        ("warm", "w\u044frm", "warm  ->  w\u044frm"),
        (LONG, LONG.replace("15 of", "15 \u043ef"), "… of it. sentence 15 [-(Latin o)f-]{+(Cyrillic \u043e)f+} it. "
         "sentence 16 of …  (they look the same)"),
        ("", " ", '""  ->  ·  (they look the same)'),
        (("a",), ("a", "b ", "\u00a0c", "d"), "+ b·  + d  + \\xa0c"),
        (("a",), ("a", "\u00a0#c\u200b", "\u2003"), '+ "\\xa0#c\u200b"  + "\\u2003"'),
        (("b ", "c"), ("c",), "- b·"),
        (("a", "b "), ("b ", "a"), "[a, b·]  ->  [b·, a]  (same items in a different order or number)"),
        (("a",), ("a", "x: y ", "z\n"), r'+ "x: y·"  + "z\n"'),
        (LONG, f"{LONG} ", "… sentence 29 of it.{+·+}  (they look the same)"),
        (
            LONG,
            LONG.replace("15 ", "15\u200b ").replace("20", "twenty"),
            "… 14 of it. sentence [-15-]{+15\\u200b+} of it. sentence 16 … 19 of it. sentence [-20-]{+twenty+} of it. "
            "sentence 21 …",
        ),
        (LONG, LONG.replace("15 of", "15\nof"), "… of it. sentence 15[-·-]{+\\n+}of it. sentence 16 …"
         "  (they look the same)"),
        ((LONG,), (LONG.replace("29", "last"),), "… 28 of it. sentence [-29-]{+last+} of it."),
        (
            JsonObject({"customGoal": LONG}),
            JsonObject({"customGoal": LONG.replace("29", "last")}),
            "customGoal:  … 28 of it. sentence [-29-]{+last+} of it.",
        ),
        (
            JsonObject({"customGoal": "café"}),
            JsonObject({"customGoal": "cafe\u0301"}),
            "customGoal:  café  ->  cafe\\u0301  (they look the same)",
        ),
        (
            JsonObject({"goalKey": "SALES"}),
            JsonObject({"customGoal": "more tea"}),
            "{goalKey: SALES}  ->  {customGoal: more tea}",
        ),
        ("dry", "warm", "dry  ->  warm"),
        ("a\u00a0b dry", "a b wet", "a\\xa0b dry  ->  a b wet"),
        (("a\u00a0b", "tea"), ("mugs", "a b"), "+ mugs  - tea  ~  a\\xa0b  ->  a·b  (they look the same)"),
        ("tea \U0001f469\u200d\U0001f467", "mugs", "tea \U0001f469\u200d\U0001f467  ->  mugs"),
    ],
)  # fmt: skip
def test_a_change_shows_what_differs(before: Json, after: Json, wanted: str) -> None:
    assert shown(before, after) == wanted


def test_the_whole_values_are_shown_on_request() -> None:
    after = LONG.replace("29", "last")
    assert shown(LONG, after, whole=True) == f"{LONG}  ->  {after}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 170, "a" * 160 + "… (10 more characters)"),
        (f'"{"a" * 170}"', f'"{"a" * 159}…" (12 more characters)'),
        (f'["b", "{"a" * 170}"]', f'["b", "{"a" * 153}…" (19 more characters)'),
        (f'["b", {"a" * 170}]', f'["b", {"a" * 154}… (17 more characters)'),
        (f'"{"a" * 158}\\"bcdefgh"', f'"{"a" * 158}…" (10 more characters)'),
        (f'"{"a" * 156}\\u00a0bcdefgh"', f'"{"a" * 156}…" (14 more characters)'),
        (f'"{"a" * 157}\\\\bcdefgh"', f'"{"a" * 157}\\\\…" (8 more characters)'),
    ],
)
def test_a_quote_in_which_a_value_is_cut_is_closed(text: str, shown: str) -> None:
    assert shortened(text) == shown
