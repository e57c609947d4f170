"""An error that keeps what is wrong separate from what to do about it."""

from __future__ import annotations


class ErrorWithFix(Exception):
    """`message` says what is wrong, `fix` what to do; it is empty if nothing more helpful is known."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message
