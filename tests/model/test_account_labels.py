"""Accounts are shown by name; by id only if no name is known, or if the names do not tell two accounts apart."""

from __future__ import annotations

import pytest

from reconciler.model.posts import accounts_apart, shown_account


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("s9 (1)", "other (2)", ("s9", "other")),
        ("s9 (1)", "2", ("s9", "2")),
        ("1", "other (2)", ("1", "other")),
        ("1", "2", ("1", "2")),
        ("s9 (1)", "s9 (2)", ("s9 (1)", "s9 (2)")),
        ("s9 (1)", "s10 (1)", ("s9", "s10")),
        ("s9 (1)", "1", ("s9 (1)", "1")),
        ("s9 (1)", "", ("s9", "")),
        ("Pottery (Berlin) (1)", "Pottery (Paris) (2)", ("Pottery (Berlin)", "Pottery (Paris)")),
    ],
)
def test_two_accounts_are_told_apart_by_name_if_possible(before: str, after: str, shown: tuple[str, str]) -> None:
    assert accounts_apart(before, after) == shown
    assert accounts_apart(after, before) == shown[::-1]


def test_an_account_without_a_name_is_shown_by_id() -> None:
    assert [*map(shown_account, ("s9 (1)", "1"))] == ["s9", "account 1"]
