"""Values that are put aside."""

from __future__ import annotations

from msgspec import Struct

from reconciler.state.packed import Packed


class Pages(Struct):
    words: list[str]


def test_what_was_changed_is_there_again_however_often_it_is_put_aside() -> None:
    packed = Packed(Pages, Pages([]))
    for word in ("one", "two"):
        packed.value.words.append(word)
        packed.pack()
        packed.pack()
    assert packed.value == Pages(["one", "two"])
    assert packed.value is packed.value
