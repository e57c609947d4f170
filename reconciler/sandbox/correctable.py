"""The base of every error of the sandbox that a person can correct."""

from __future__ import annotations


class SandboxError(Exception):
    """`message` says where and what is wrong, `fix` what to do; it is empty if the message says what would be right."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message
