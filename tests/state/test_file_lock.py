"""The lock of a write to the state: it excludes threads, processes and other versions, and ends with its process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from reconciler.state import file_lock
from reconciler.state.file_lock import NotPlain, take

posix = pytest.mark.skipif(sys.platform == "win32", reason="filelock's own there")


def test_it_is_the_lock_that_filelock_takes(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    release = take(file, 1)
    with pytest.raises(Timeout):
        FileLock(file).acquire(timeout=0)
    release()
    with FileLock(file), pytest.raises(TimeoutError):
        take(file, 0.02)
    take(file, 0)()


def test_two_threads_keep_each_other_out(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(50):
            release = take(tmp_path / "lock", 10)
            inside += 1
            most = max(most, inside)
            inside -= 1
            release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_it_goes_with_its_process(tmp_path: Path) -> None:
    script = "import sys, os\nfrom pathlib import Path\nfrom reconciler.state.file_lock import take\n"
    script += "kept = take(Path(sys.argv[1]), 1)\nprint('held', flush=True)\nsys.stdin.read()\nos._exit(9)"
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError):
            take(file, 0.02)
        holder.stdin.close()
        take(file, 10)()


@posix
@pytest.mark.parametrize("kind", ["fifo", "link"])
def test_what_is_not_a_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    file, elsewhere = tmp_path / "lock", tmp_path / "elsewhere"
    if kind == "fifo":
        os.mkfifo(file)
    else:
        elsewhere.write_text("kept")
        file.symlink_to(elsewhere)
    with pytest.raises(OSError) as caught:
        take(file, 1)
    assert isinstance(caught.value, NotPlain) or caught.value.errno == errno.ELOOP
    assert kind == "fifo" or elsewhere.read_text() == "kept"


@posix
def test_if_the_file_system_has_no_such_lock_filelock_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        LOCK_EX = LOCK_NB = 0

        @staticmethod
        def flock(*_: object) -> None:
            raise OSError(errno.ENOSYS, "there is none")

    monkeypatch.setattr(file_lock, "fcntl", Without)
    release = take(tmp_path / "lock", 1)
    with pytest.raises(Timeout):
        FileLock(tmp_path / "lock").acquire(timeout=0)
    release()
