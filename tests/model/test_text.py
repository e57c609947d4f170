"""Remote text cannot move the cursor, reverse a line, or start a new one."""

from __future__ import annotations

import pytest

from reconciler.model.posts import post_name
from reconciler.model.text import about, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x9b2J", "\\x9b2J"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("one\u2028two", "one\\u2028two"),
        ("half \ud83d", "half \\ud83d"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("none \ufffe", "none \\ufffe"),
    ],
)
def test_what_could_act_on_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["Töpferei", "陶器", "فخار", "👩‍🎨 50% off!", "a - b → c"])
def test_any_script_reads_as_it_should(text: str) -> None:
    assert printable(text) == text


def test_a_message_continues_its_subject_or_has_one_of_its_own() -> None:
    assert about("policy.maxPublish", "is 0", continues=True) == "policy.maxPublish is 0"
    assert about("toneOfVoice", "expected text", continues=False) == "toneOfVoice: expected text"


def test_a_post_is_called_by_what_is_known_of_it() -> None:
    assert post_name("Sale", "INSTAGRAM", "STORY") == '"Sale" (Instagram story)'
    assert (post_name("Sale", ""), post_name("", "INSTAGRAM")) == ('"Sale"', "Instagram")
