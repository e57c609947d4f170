"""What the file system refuses is reported; killing a writer leaves the old document or the new one."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import multiprocessing
import os
import signal
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.diagnostics import Place
from reconciler.state.errors import Conflict, StateError
from reconciler.state.examination import examine_store
from reconciler.state.folder import LocalFolder
from reconciler.state.store import ANY, Log, put_once

KEY = "sites/shop.json"
LOG = "journals/shop-1.jsonl"
SPAWN = multiprocessing.get_context("spawn")


as_a_user = pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="no permission holds root back")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_reading_creates_nothing(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path / "state")

    async def read() -> None:
        assert await store.get(KEY) is None
        assert [key async for key in store.keys("sites/")] == []
        await store.delete(KEY)

    asyncio.run(read())
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_in_pieces_is_whole_or_not_there_and_never_in_memory_at_once(tmp_path: Path) -> None:
    store, piece = LocalFolder(tmp_path), b"x" * 50_000

    def cut_off() -> Iterator[bytes]:
        yield piece
        raise OSError(errno.EIO, "no more")

    async def write() -> None:
        with pytest.raises(StateError, match="cannot be written"):
            await store.put_pieces(KEY, cut_off(), expected=None)
        assert await store.get(KEY) is None
        tracemalloc.start()
        version = await store.put_pieces(KEY, (bytes(piece) + b"." for _ in range(100)), expected=None)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(piece)
        tracemalloc.stop()
        stored = await store.get(KEY)
        assert stored is not None
        assert (stored.data, stored.version) == ((piece + b".") * 100, version)
        with pytest.raises(Conflict):
            await store.put_pieces(KEY, iter((piece,)), expected=None)

    asyncio.run(write())
    assert [name for name in files(tmp_path) if ".locks" not in name] == [KEY]


def test_a_folder_that_cannot_be_made_is_found_before_the_first_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = LocalFolder(tmp_path / "not" / "there"), []

    def allowed(path: Path, mode: int) -> bool:
        asked.append((path, mode))
        return False

    assert asyncio.run(examine_store(store, "there")).findings == ()
    monkeypatch.setattr("os.access", allowed)
    (found,) = asyncio.run(examine_store(store, "there")).findings
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]
    assert found.message == f"does not exist, and cannot be created in {tmp_path}"
    assert list(tmp_path.iterdir()) == []


@as_a_user
def test_a_folder_that_may_not_be_written_can_be_read(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path)
    asyncio.run(store.put(KEY, b"x", expected=None))
    folders = [path for path in (tmp_path, *tmp_path.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        stored = asyncio.run(store.get(KEY))
        assert stored is not None
        with pytest.raises(StateError, match=r"Permission denied.*--state"):
            asyncio.run(store.put(KEY, b"y", expected=stored.version))
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert (tmp_path / KEY).read_bytes() == b"x"


def test_what_a_crash_left_next_to_a_document_is_overwritten_and_not_listed(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path)
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / ".shop.json.new").write_bytes(b"half a docu")

    async def write() -> None:
        assert [key async for key in store.keys("sites/")] == []
        await store.put(KEY, b"whole", expected=None)
        assert [key async for key in store.keys("sites/")] == [KEY]

    asyncio.run(write())
    assert (tmp_path / KEY).read_bytes() == b"whole"
    assert files(tmp_path / "sites") == ["shop.json"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_a_write_that_fails_leaves_the_old_document(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalFolder(tmp_path)
    version = asyncio.run(store.put(KEY, b"old", expected=None))

    def refuse(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StateError, match=os.strerror(code)) as raised:
        asyncio.run(put_once(store, KEY, b"new", expected=version))
    assert raised.value.place == Place(str(tmp_path / KEY))
    assert raised.value.fix
    monkeypatch.undo()
    assert (tmp_path / KEY).read_bytes() == b"old"
    assert files(tmp_path / "sites") == ["shop.json"]


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalFolder(tmp_path)
    version = asyncio.run(store.put(KEY, b"old", expected=None))
    end = asyncio.run(store.append(LOG, b"one\n", at=0))
    write = os.write

    def half(handle: int, data: bytes) -> int:
        """Writes only a part, like a disk that gets full."""
        if len(data) < 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data[:-2])

    class Filling(io.FileIO):
        def write(self, data: Any) -> int:
            return half(self.fileno(), bytes(data))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        patch.setattr(os, "fdopen", lambda handle, mode: io.BufferedWriter(Filling(handle, mode)))
        with pytest.raises(StateError, match=r"No space left on device.*free some space"):
            asyncio.run(store.put(KEY, b"newer", expected=version))
        with pytest.raises(StateError, match=r"No space left on device.*free some space"):
            asyncio.run(store.append(LOG, b"two\n", at=end))
    assert (tmp_path / KEY).read_bytes() == b"old"
    assert asyncio.run(store.read_log(LOG)) == Log((b"one\n",), end)
    asyncio.run(store.append(LOG, b"three\n", at=end))
    assert asyncio.run(store.read_log(LOG)).lines == (b"one\n", b"three\n")


def test_a_line_that_a_crash_cut_short_is_ignored(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path)
    asyncio.run(store.append(LOG, b"one\n", at=0))
    with (tmp_path / LOG).open("ab") as file:
        file.write(b'{"half')
    log = asyncio.run(store.read_log(LOG))
    assert log.lines == (b"one\n",)
    with pytest.raises(Conflict):
        asyncio.run(store.append(LOG, b"two\n", at=4))


@pytest.mark.skipif(os.name != "posix", reason="needs links and FIFOs")
def test_nothing_but_plain_files_is_read_or_written(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path / "state")
    asyncio.run(store.put(KEY, b"x", expected=None))
    outside = tmp_path / "outside.json"
    outside.write_bytes(b"secret")
    path, log = tmp_path / "state" / KEY, tmp_path / "state" / LOG
    log.parent.mkdir(exist_ok=True)
    path.unlink()
    path.symlink_to(outside)
    log.symlink_to(outside)
    with pytest.raises(StateError, match=r"a regular file|does not follow links"):
        asyncio.run(store.get(KEY))
    with pytest.raises(StateError, match=r"a regular file|does not follow links"):
        asyncio.run(store.append(LOG, b"x\n", at=0))
    for special in (path, log):
        special.unlink()
        os.mkfifo(special)
    for reading in (store.get(KEY), store.read_log(LOG)):
        with pytest.raises(StateError, match="regular file"):
            asyncio.run(reading)
    with pytest.raises(StateError, match=r"a regular file|does not follow links"):
        asyncio.run(store.append(LOG, b"x\n", at=0))
    assert outside.read_bytes() == b"secret"


@pytest.mark.skipif(os.name != "posix", reason="needs links and FIFOs")
def test_no_folder_of_it_is_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / Path(KEY).name).parent.mkdir()
    (outside / Path(KEY).name).write_bytes(b"theirs")
    store = LocalFolder(tmp_path / "state")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / Path(KEY).parent).symlink_to(outside)
    for trying in (
        store.get(KEY),
        store.put(KEY, b"x", expected=ANY),
        store.append(KEY, b"x\n", at=6),
        store.delete(KEY),
        first_of(store.keys(f"{Path(KEY).parent}/")),
    ):
        with pytest.raises(StateError, match="is a link"):
            asyncio.run(trying)
    assert [path.read_bytes() for path in outside.iterdir()] == [b"theirs"]


@pytest.mark.skipif(os.name != "posix", reason="needs links and FIFOs")
@pytest.mark.parametrize("left", ["link", "fifo", "file"])
def test_what_lies_next_to_a_document_is_replaced(left: str, tmp_path: Path) -> None:
    store = LocalFolder(tmp_path / "state")
    beside = tmp_path / "state" / KEY
    beside = beside.with_name(f".{beside.name}.new")
    beside.parent.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_bytes(b"theirs")
    if left == "link":
        beside.symlink_to(outside)
    elif left == "fifo":
        os.mkfifo(beside)
        reader = os.open(beside, os.O_RDONLY | os.O_NONBLOCK)  # with it, opening the FIFO to write succeeds
    else:
        beside.write_bytes(b"what a crash left")
    asyncio.run(store.put(KEY, b"ours", expected=None))
    if left == "fifo":
        os.close(reader)
    assert (outside.read_bytes(), (tmp_path / "state" / KEY).read_bytes()) == (b"theirs", b"ours")


async def first_of(keys: AsyncIterator[str]) -> str:
    return await anext(keys)


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
def test_only_its_owner_can_read_what_it_keeps(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path / "state")
    asyncio.run(store.put(KEY, b"x", expected=None))
    asyncio.run(store.append(LOG, b"x\n", at=0))
    for path in (tmp_path / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or ".locks" in path.parts, path


def test_a_log_grows_only_at_its_end(tmp_path: Path) -> None:
    store = LocalFolder(tmp_path)
    end = asyncio.run(store.append(LOG, b"one\n", at=0))
    for wrong in (0, end - 1, end + 1):
        with pytest.raises(Conflict):
            asyncio.run(store.append(LOG, b"two\n", at=wrong))
    assert asyncio.run(store.append(LOG, b"two\n", at=end)) == 8
    asyncio.run(store.delete_log(LOG))
    asyncio.run(store.delete_log(LOG))
    assert asyncio.run(store.read_log(LOG)) == Log()
    with pytest.raises(Conflict):
        asyncio.run(store.append(LOG, b"three\n", at=8))


NEEDS_FOLDER = "the state needs a folder there; move it away, or name another place with --state"
RESTORE = "restore what the link points to, or name another place with --state"


@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize(
    ("at", "leads_to", "below", "what", "fix"),
    [
        ("state", None, "", "is not a folder", NEEDS_FOLDER),
        ("state", None, "more/below", "is not a folder", NEEDS_FOLDER),
        ("state", "gone", "", "is a link to gone, which cannot be followed", RESTORE),
        ("state", "gone", "more/below", "is a link to gone, which cannot be followed", RESTORE),
        ("state", "state", "", "is a link to state, which cannot be followed", RESTORE),
        ("state/.locks", None, "", "is not a folder", NEEDS_FOLDER),
        ("state/sites", None, "", "is not a folder", NEEDS_FOLDER),
        ("state/journals", None, "", "is not a folder", NEEDS_FOLDER),
        ("state/sites", "../gone", "", "is a link", "move it away; the state does not follow links"),
        ("state/.locks", "../gone", "", "is a link", "move it away; the state does not follow links"),
    ],
    ids=range(10),
)
def test_whatever_is_in_the_way_of_a_folder_is_named(
    tmp_path: Path, at: str, leads_to: str | None, below: str, what: str, fix: str
) -> None:
    there = tmp_path / at
    there.parent.mkdir(exist_ok=True)
    there.write_text("not a folder") if leads_to is None else there.symlink_to(leads_to)
    store = LocalFolder(tmp_path / "state" / below)
    reading = (
        ("cannot be read", KEY, lambda: store.get(KEY)),
        ("cannot be read", LOG, lambda: store.read_log(LOG)),
        ("cannot be listed", "sites", lambda: first_of(store.keys("sites/"))),
    )
    writing = (
        ("cannot be written", KEY, lambda: store.put(KEY, b"x", expected=ANY)),
        ("cannot be written", LOG, lambda: store.append(LOG, b"x\n", at=0)),
    )
    found = 0
    for words, key, trying in (*reading, *writing):
        place = store.place(key)
        concerned = at == "state" or place.startswith(str(there)) or (at.endswith(".locks") and "written" in words)
        if not concerned:
            continue
        with pytest.raises(StateError) as caught:
            asyncio.run(trying())
        named = "it" if place == str(there) else there
        assert (str(caught.value.place), caught.value.message) == (place, f"{words} ({named} {what})")
        assert caught.value.fix == fix
        found += 1
    assert found >= 2
    assert there.is_symlink() or there.read_text() == "not a folder"


def test_a_folder_that_may_not_be_written_is_the_same_problem_for_every_file_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, opened = LocalFolder(tmp_path), os.open

    def refused(path: str, flags: int, *more: int, **options: int) -> int:
        if flags & os.O_CREAT and "sites" in str(path):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        return opened(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", refused)
    for key in ("sites/a.json", "sites/b.json"):
        with pytest.raises(StateError) as caught:
            asyncio.run(store.put(key, b"x", expected=ANY))
        assert str(caught.value.place) == store.place(key)
        assert caught.value.message == "cannot be written (Operation not permitted)"


def test_a_folder_in_place_of_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir(parents=True)
    with pytest.raises(StateError, match="move that folder away"):
        asyncio.run(LocalFolder(tmp_path).get(KEY))


def _count(folder: str, rounds: int) -> None:
    """Adds to a number in the store, again after each conflict."""
    store = LocalFolder(Path(folder))

    async def add() -> None:
        done = 0
        while done < rounds:
            stored = await store.get(KEY)
            number = int(stored.data) if stored else 0
            try:
                await store.put(KEY, str(number + 1).encode(), expected=stored.version if stored else None)
                done += 1
            except Conflict:
                continue

    asyncio.run(add())


def test_no_write_of_two_processes_is_lost(tmp_path: Path) -> None:
    processes = [SPAWN.Process(target=_count, args=(str(tmp_path), 40)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert (tmp_path / KEY).read_bytes() == b"120"


def _write_until_killed(folder: str, told: int) -> None:
    """Writes a document again and again, and says so on `told` before each."""
    store = LocalFolder(Path(folder))

    async def write() -> None:
        number = 0
        while True:
            number += 1
            document = {"number": number, "padding": "x" * 50_000, "end": number}
            os.write(told, b".")
            await store.put(KEY, json.dumps(document).encode(), expected=ANY)

    asyncio.run(write())


def _kill_writers(folder: str, rounds: int) -> None:
    """Kills a writer at another moment each round, and reads what it left."""
    store = LocalFolder(Path(folder))
    for turn in range(rounds):
        hear, told = os.pipe()
        child = os.fork()
        if child == 0:
            _write_until_killed(folder, told)
        os.close(told)
        os.read(hear, 1)
        for _ in range(turn % 7):
            os.read(hear, 1)
        for _ in range(turn * 97 % 1500):
            os.stat(folder)  # a few microseconds, so that the signal comes at every part of a write
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(hear)
        stored = asyncio.run(store.get(KEY))
        if stored is not None:
            document = json.loads(stored.data)
            assert document["number"] == document["end"]
    asyncio.run(store.put(KEY, b"the lock of no dead writer is left", expected=ANY))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_writer_killed_at_any_moment_leaves_a_whole_document(tmp_path: Path) -> None:
    process = SPAWN.Process(target=_kill_writers, args=(str(tmp_path), 40))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert (tmp_path / KEY).read_bytes() == b"the lock of no dead writer is left"
