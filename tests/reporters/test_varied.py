"""Messages that differ only in numbers, as one."""

from __future__ import annotations

from reconciler.reporters.varied import Varied


def test_only_the_numbers_that_differ_become_ranges() -> None:
    shown = Varied('would throw away 3 drafts; see /srv/build-2138/sites, "1990 revisited"')
    shown.add(Varied('would throw away 1200 drafts; see /srv/build-2138/sites, "1990 revisited"'))
    assert str(shown) == 'would throw away 3 to 1,200 drafts; see /srv/build-2138/sites, "1990 revisited"'


def test_a_single_message_stays_as_it_is() -> None:
    assert str(Varied("there is no /srv/build-2138/shop.yaml")) == "there is no /srv/build-2138/shop.yaml"
