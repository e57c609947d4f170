"""The questions of `apply` and `approve`: only on a terminal; elsewhere, the required flag is named."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from reconciler.cli.outputs import screen_of
from reconciler.model.plurals import plural
from reconciler.planner.tally import PlanTally
from reconciler.reporters.layout import Span, wrapped
from reconciler.reporters.next_step import posts_to_publish


def can_ask() -> bool:
    """Whether there is a person to ask."""
    return bool(sys.stdin.isatty())


async def key(question: str) -> str:
    """Asks on stderr and returns one key in lower case, without Enter on a terminal; "" at the end of the input.

    If keys cannot be read one by one, it is the first character of a line.
    """
    sys.stdout.flush()
    try:
        import termios
        import tty

        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError):  # Windows, or not really a terminal
        sys.stderr.write(question)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stderr.write("\n")
        return line.strip().casefold()[:1] or ("" if not line else " ")
    try:
        tty.setcbreak(descriptor)  # first, because it drops what was typed before
        sys.stderr.write(question)
        sys.stderr.flush()
        await _readable(descriptor)
        pressed = os.read(descriptor, 1)
        if pressed == b"\x1b":  # the rest of what an arrow or function key sends is not an answer
            termios.tcflush(descriptor, termios.TCIFLUSH)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    answer = "" if pressed in (b"", b"\x04") else pressed.decode("ascii", "replace").casefold()
    sys.stderr.write(f"{answer if answer.isprintable() else ''}\n")
    return answer


async def agreed(question: str, show_notices: Callable[[], None]) -> bool:
    """Asks on stderr, below all notices, and accepts only `yes` as yes. The end of the input counts as no.

    What was typed before the question is not an answer to it, and is discarded.
    """
    _discard_typed()
    screen = screen_of(sys.stderr, colour=False)
    lines = (line for text in question.splitlines() for line in wrapped((Span(text),), screen, hang=2))
    sys.stdout.flush()
    show_notices()
    sys.stderr.write("\n" + "".join(f"{line}\n" for line in lines) + "  Only 'yes' is accepted: ")
    sys.stderr.flush()
    try:
        answer = await _line()
    except asyncio.CancelledError:  # Ctrl-C leaves the cursor on the line of the question
        sys.stderr.write("\n")
        sys.stderr.flush()
        raise
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    return bool(answer.strip() == "yes")


def _discard_typed() -> None:
    if not sys.stdin.isatty():
        return
    try:
        import termios
    except ImportError:  # Windows
        return
    with suppress(termios.error):  # it only looks like a terminal
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


async def _line() -> str:
    """A line from the terminal."""
    try:
        await _readable(sys.stdin.fileno())
    except NotImplementedError:  # Windows
        return await asyncio.to_thread(sys.stdin.readline)
    return sys.stdin.readline()


async def _readable(descriptor: int) -> None:
    """Waits until there is something to read.

    Does not block, so that leases are renewed while a person thinks, and Ctrl-C takes effect without Enter.
    """
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    loop.add_reader(descriptor, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(descriptor)


WHOLE_QUESTION: Final = "Do you want to perform these actions?"
"""The question about everything that does not go public."""


def whole_question(where: str, tally: PlanTally) -> str:
    """The only question if posts go public too, because that is allowed: with the header, and what goes public."""
    doing = ["perform these actions", *_public_words(tally)]
    return f"{where}\nDo you want to {', '.join(doing[:-1])} and {doing[-1]}?"


def _public_words(tally: PlanTally) -> list[str]:
    posts = posts_to_publish(tally)
    doing = [f"make {posts or 'posts'} public"] if posts or not tally.moved else []
    return doing + ([f"move {plural(tally.moved, 'scheduled post')} to another time"] if tally.moved else [])


def public_question(where: str, tally: PlanTally, *, alone: bool = False) -> str:
    """The question if posts would go public, below the header; `alone`: nothing else would be done."""
    question = f"{where}\nDo you want to {' and '.join(_public_words(tally))}?"
    if alone:
        return question
    promises = tally.promises
    one = tally.publish + promises.publish == 1 and not promises.unbounded_publish
    are = "it is" if one else "they are"
    return f"{question} If not, {are} withheld and the rest is done."
