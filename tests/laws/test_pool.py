"""Forked processes leave their parent alone."""

from __future__ import annotations

import gc
import os

from tests.laws.pool import fork


class Garbage:
    """Says who made it when it is finalized. It refers to itself, so only the garbage collector finds it."""

    def __init__(self, tells: int, maker: bytes) -> None:
        self.tells = tells
        self.maker = maker
        self.itself = self

    def __del__(self) -> None:
        os.write(self.tells, self.maker)


def test_garbage_of_the_parent_is_not_collected_in_a_child() -> None:
    hears, tells = os.pipe()
    Garbage(tells, b"p")
    child = fork()
    if child == 0:
        Garbage(tells, b"c")
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    gc.collect()
    os.close(tells)
    with os.fdopen(hears, "rb") as told:
        assert sorted(told.read()) == sorted(b"cp")
