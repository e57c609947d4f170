"""Problems that differ only in numbers, as one."""

from __future__ import annotations

import pytest

from reconciler.reporters.varied import Varied


def both(first: str, second: str, *fixes: str) -> Varied:
    shown, other = (Varied(text, fix) for text, fix in zip((first, second), fixes or ("", ""), strict=True))
    assert shown.kind == other.kind
    shown.add(other)
    return shown


def test_only_the_numbers_that_differ_become_ranges() -> None:
    what = 'would throw away {} drafts; see /srv/build-2138/sites, "1990 revisited"'
    assert both(what.format(3), what.format(1200)).message == what.format("3 to 1,200")


@pytest.mark.parametrize("order", [1, -1])
def test_what_depends_on_a_number_is_plural_for_several(order: int) -> None:
    one = ("would discard 1 approved draft and 3 scheduled posts", "let it go out first")
    more = ("would discard 2 approved drafts and 1 scheduled post", "let them go out first")
    (first, fix), (second, other) = (one, more)[::order]
    shown = both(first, second, fix, other)
    assert shown.message == "would discard 1 to 2 approved drafts and 1 to 3 scheduled posts"
    assert shown.fix == "let them go out first"


def test_nothing_is_the_number_zero_if_others_have_more() -> None:
    what = "posts[0] matches {}, but its min is 3; the site file allows discarding nothing"
    assert both(what.format("nothing"), what.format(2)).message == what.format("0 to 2")
    assert both(what.format("nothing"), what.format("nothing")).message == what.format("nothing")


def test_a_single_message_stays_as_it_is() -> None:
    alone = Varied("there is no /srv/build-2138/shop.yaml", "make 1")
    assert (alone.message, alone.fix) == ("there is no /srv/build-2138/shop.yaml", "make 1")
