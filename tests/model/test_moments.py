"""Times in words: in the site's zone, and never two of them in the same words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.moments import if_approved, moment_in, moment_text, moving_text, zone_in
from reconciler.reporters.words import moment


@pytest.mark.parametrize(
    ("at", "zone", "words"),
    [
        ("2026-12-03T08:30", "Europe/Berlin", "Thu 2026-12-03 09:30 Europe/Berlin"),
        ("2026-10-25T00:30", "Europe/Berlin", "Sun 2026-10-25 02:30 Europe/Berlin (UTC+02:00)"),
        ("2026-10-25T01:30", "Europe/Berlin", "Sun 2026-10-25 02:30 Europe/Berlin (UTC+01:00)"),
        ("2026-10-25T02:00", "Europe/Berlin", "Sun 2026-10-25 03:00 Europe/Berlin"),
        ("2026-03-29T01:30", "Europe/Berlin", "Sun 2026-03-29 03:30 Europe/Berlin"),
        ("2026-12-01T10:30", "Pacific/Apia", "Tue 2026-12-01 23:30 Pacific/Apia"),
        ("2026-12-01T10:30", "Pacific/Pago_Pago", "Mon 2026-11-30 23:30 Pacific/Pago_Pago"),
        ("2026-12-01T10:30", "Mars/Olympus", "Tue 2026-12-01 10:30 UTC"),
    ],
)
def test_a_moment_is_shown_in_the_zone_of_its_site(at: str, zone: str, words: str) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert moment_text(instant, zone) == moment(instant, zone) == words
    assert moment_text(instant, zone, exact=False) == f"about {words}"
    for said in (words, f"about {words}"):
        found = moment_in(said)
        assert found is not None
        assert found.astimezone(UTC) == instant, "read again it is the same"
    assert zone_in(words) == (zone if zone != "Mars/Olympus" else "UTC")
    assert moment_in("at a time Wix picks") is None


@pytest.mark.parametrize(("waits", "words"), [(True, "once approved, it moves to"), (False, "its rule moves it to")])
def test_of_a_post_that_moves_the_time_after_that_is_read(waits: bool, words: str) -> None:
    now, then = "Thu 2026-12-03 09:30 UTC", "Wed 2026-12-02 10:30 Europe/Berlin"
    both = moving_text(now, then, waits=waits)
    assert both == f"{now}; {words} {then}"
    assert (if_approved(both), if_approved(now)) == (then, now)
    assert (moment_in(both), zone_in(both)) == (moment_in(then), "Europe/Berlin")


def test_no_two_minutes_of_a_night_in_which_clocks_change_have_the_same_words() -> None:
    for zone, day in (("Europe/Berlin", 25), ("Europe/Berlin", 1), ("Australia/Lord_Howe", 4), ("America/Havana", 1)):
        start = datetime(2026, 11 if zone == "America/Havana" else 10, day, tzinfo=UTC) - timedelta(hours=14)
        said = [moment_text(start + timedelta(minutes=10 * step), zone) for step in range(200)]
        assert len(set(said)) == len(said), zone
