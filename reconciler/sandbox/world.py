"""Owns the world's storage: one SQLite file (or memory), with a row per site, the request log, gaps, faults, tokens.

Several processes may have the file open, and any of them may be killed at any moment: each request is one short
transaction that contains its effect and its log entry, committed before the answer is sent.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.sandbox.correctable import SandboxError
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.state import Site

LOG_LENGTH = 20_000
_CACHED_SITES = 256
_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sites(id TEXT PRIMARY KEY, instance TEXT, version INTEGER NOT NULL, touched TEXT NOT NULL,
                                 doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sites_by_instance ON sites(instance);
CREATE TABLE IF NOT EXISTS requests(n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, method TEXT, path TEXT, query TEXT,
                                    site TEXT, body TEXT, status INTEGER, wrote INTEGER, fault TEXT);
CREATE INDEX IF NOT EXISTS requests_by_site ON requests(site, at);
CREATE TABLE IF NOT EXISTS gaps(method TEXT, path TEXT, count INTEGER, PRIMARY KEY(method, path));
CREATE TABLE IF NOT EXISTS faults(id INTEGER PRIMARY KEY AUTOINCREMENT, spec TEXT, seen INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS past(site TEXT, writes INTEGER, at TEXT, doc TEXT);
CREATE INDEX IF NOT EXISTS past_by_site ON past(site, at);
CREATE TABLE IF NOT EXISTS tokens(token TEXT PRIMARY KEY, app TEXT, site TEXT, expires TEXT, scopes TEXT);
"""


class WorldError(SandboxError):
    """A file that cannot hold a world. The message names it and says what to do."""


def _check_regular_file(database: Path) -> None:
    """Raises WorldError unless the file, and those that SQLite keeps beside it, are regular files or missing."""
    if database.exists() and not database.is_file():
        raise WorldError(f"{database} is not a regular file", "move it away")
    for suffix in ("-wal", "-shm", "-journal"):
        beside = database.with_name(database.name + suffix)
        if beside.is_symlink() or (beside.exists() and not beside.is_file()):
            raise WorldError(f"{beside} is not a regular file", "move it away")


_FIXES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EROFS: "make the file system writable",
    errno.ENAMETOOLONG: "use a shorter path",
}
_SQLITE_FIXES = {
    sqlite3.SQLITE_FULL: "free some space",
    sqlite3.SQLITE_READONLY: "make it writable",
    sqlite3.SQLITE_CANTOPEN: "make its folder writable",
}


def _unusable(database: Path, problem: OSError | sqlite3.Error) -> WorldError:
    """Says why a file cannot hold a world, and what to do."""
    what = f"{database} cannot be used as a sandbox"
    there = next(path for path in (database, *database.parents) if os.path.lexists(path) or path == path.parent)
    if os.path.islink(there) and not os.path.exists(there):
        link = f"{there} is a link to {os.readlink(there)}, which cannot be followed"
        return WorldError(f"{what}: {link}", "restore what the link points to, or delete the link")
    if there != database and not os.path.isdir(there):
        return WorldError(f"{what}: {there} is not a folder", "move it away")
    if isinstance(problem, OSError):
        fix = _FIXES.get(problem.errno or 0, "make its folder writable")
        return WorldError(f"{what}: {problem.strerror}", fix)
    code = getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without what SQLite adds to it
    return WorldError(f"{what}: {problem}", _SQLITE_FIXES.get(code, "move it away"))


class World:
    """The storage of one world. Safe to use from several threads and several processes. Raises WorldError."""

    def __init__(self, database: str | Path) -> None:
        self._lock = threading.RLock()
        self._cache: OrderedDict[str, tuple[int, Site]] = OrderedDict()
        try:
            if str(database) != ":memory:":
                Path(database).parent.mkdir(parents=True, exist_ok=True)
                _check_regular_file(Path(database))
            self._db = sqlite3.connect(str(database), timeout=30, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.Error) as problem:
            raise _unusable(Path(database), problem) from None

    def _prepare(self) -> None:
        # Survives a killed process. Only a power cut could damage the file; it is then to be moved away.
        self._db.execute("PRAGMA synchronous=OFF")
        self._use_wal()
        with self.transaction():
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, _FORMAT):
                raise sqlite3.DatabaseError(f"it has format {found}, but this version reads {_FORMAT}")
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version={_FORMAT}")

    def _use_wal(self) -> None:
        # The only statement for which SQLite does not wait: another process may be opening the same new file.
        for attempt in range(200):
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as problem:
                if "locked" not in str(problem) or attempt == 199:
                    raise
                time.sleep(0.01)

    def has_faults(self) -> bool:
        """Whether any fault is scripted."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM faults LIMIT 1").fetchone() is not None

    def close(self) -> None:
        """Closes the file. The world stays in it."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction: committed at the end of the block, rolled back if it raises."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._db, self._cache)
            try:
                yield transaction
            except BaseException:
                self._db.execute("ROLLBACK")
                self._cache.clear()  # what was changed in memory is not in the file
                raise
            self._db.execute("COMMIT")


class Transaction:
    """What can be read and written inside one transaction."""

    def __init__(self, db: sqlite3.Connection, cache: OrderedDict[str, tuple[int, Site]]) -> None:
        self._db = db
        self._cache = cache

    # Options and the clock

    def meta(self, name: str) -> Any:
        """A stored value by name; None if there is none."""
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_meta(self, name: str, value: object) -> None:
        """Stores a JSON value by name."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES(?,?)", (name, json.dumps(value)))

    # Sites

    def site(self, site_id: str) -> Site | None:
        """A site, or None. The same object is returned until the row changes, so a change must be saved."""
        row = self._db.execute("SELECT version, touched FROM sites WHERE id=?", (site_id,)).fetchone()
        if row is None:
            return None
        version, touched = row
        cached = self._cache.get(site_id)
        if cached is not None and cached[0] == version:
            self._cache.move_to_end(site_id)
            cached[1].touched = touched
            return cached[1]
        document = self._db.execute("SELECT doc FROM sites WHERE id=?", (site_id,)).fetchone()[0]
        return self._keep(version, Site.load(document, touched))

    def _keep(self, version: int, site: Site) -> Site:
        self._cache[site.id] = (version, site)
        self._cache.move_to_end(site.id)
        while len(self._cache) > _CACHED_SITES:
            self._cache.popitem(last=False)
        return site

    def forget(self, site_id: str) -> None:
        """Drops unsaved changes of a site."""
        self._cache.pop(site_id, None)

    def save(self, site: Site) -> None:
        """Stores a site under a version never used before, so that no process trusts an old copy."""
        version = (self.meta("version") or 0) + 1
        self.set_meta("version", version)
        row = (site.id, site.facts["instanceId"], version, site.touched, site.dump())
        self._db.execute("INSERT OR REPLACE INTO sites VALUES(?,?,?,?,?)", row)
        self._keep(version, site)

    def touch(self, site: Site, moment: str) -> None:
        """Records that the marketing plan is in use. Does not count as a change of the site."""
        site.touched = moment
        self._db.execute("UPDATE sites SET touched=? WHERE id=?", (moment, site.id))

    def site_ids(self) -> list[str]:
        """All sites' ids, sorted."""
        return [row[0] for row in self._db.execute("SELECT id FROM sites ORDER BY id")]

    def site_of_instance(self, instance: str) -> str | None:
        """The site on which an app instance is installed."""
        row = self._db.execute("SELECT id FROM sites WHERE instance=?", (instance,)).fetchone()
        return None if row is None else str(row[0])

    def add_past(self, site: Site, writes: int, moment: str) -> None:
        """Saves a site as it is at a given time and after a given number of writes."""
        self._db.execute("INSERT INTO past VALUES(?,?,?,?)", (site.id, writes, moment, site.dump()))

    def past(self, site_id: str, moment: str, writes: int) -> Site | None:
        """A site as it was at a given time, or after a number of writes, whichever is later; None: as it is now.

        A site that did not exist at that time is shown as it was when first saved.
        """
        row = self._db.execute(
            "SELECT doc, rowid=(SELECT max(rowid) FROM past WHERE site=?1) FROM past WHERE site=?1 "
            "AND (at<=?2 OR writes<=?3 OR rowid=(SELECT min(rowid) FROM past WHERE site=?1)) "
            "ORDER BY rowid DESC LIMIT 1",
            (site_id, moment, writes),
        ).fetchone()
        return None if row is None or row[1] else Site.load(row[0], "")

    # Requests and gaps

    def log(self, entry: JsonDict) -> int:
        """Adds a request to the log and returns its number; the log keeps the newest LOG_LENGTH."""
        row = tuple(
            entry[name] for name in ("at", "method", "path", "query", "site", "body", "status", "wrote", "fault")
        )
        cursor = self._db.execute(
            "INSERT INTO requests(at,method,path,query,site,body,status,wrote,fault) VALUES(?,?,?,?,?,?,?,?,?)",
            row,
        )
        number = cursor.lastrowid or 0
        if number % 500 == 0:
            self._db.execute("DELETE FROM requests WHERE n<=?", (number - LOG_LENGTH,))
        return number

    def requests_since(self, site_id: str, moment: str) -> int:
        """How many requests for a site were admitted since a given time."""
        found = self._db.execute(
            "SELECT count(*) FROM requests WHERE site=? AND at>? AND status<>429", (site_id, moment)
        )
        return int(found.fetchone()[0])

    def requests(self) -> list[JsonDict]:
        """The log, oldest first."""
        names = ("n", "at", "method", "path", "query", "site", "body", "status", "wrote", "fault")
        found = self._db.execute(f"SELECT {','.join(names)} FROM requests ORDER BY n")  # noqa: S608 - constant names
        return [dict(zip(names, row, strict=True)) for row in found]

    def add_gap(self, method: str, path: str) -> None:
        """Counts a request for a route that the sandbox does not know."""
        self._db.execute(
            "INSERT INTO gaps VALUES(?,?,1) ON CONFLICT(method,path) DO UPDATE SET count=count+1",
            (method, path),
        )

    def gaps(self) -> list[JsonDict]:
        """The unknown routes that were requested, with counts."""
        found = self._db.execute("SELECT method,path,count FROM gaps ORDER BY method,path")
        return [{"method": row[0], "path": row[1], "count": row[2]} for row in found]

    # Faults and tokens

    def add_fault(self, spec: JsonDict) -> None:
        """Adds a scripted fault at the end of the list."""
        self._db.execute("INSERT INTO faults(spec) VALUES(?)", (json.dumps(spec),))

    def clear_faults(self) -> None:
        """Removes all scripted faults."""
        self._db.execute("DELETE FROM faults")

    def faults(self) -> list[tuple[int, JsonDict, int]]:
        """Scripted faults in order: number, description, how many requests matched so far."""
        found = self._db.execute("SELECT id,spec,seen FROM faults ORDER BY id")
        return [(row[0], json.loads(row[1]), row[2]) for row in found]

    def count_fault(self, number: int) -> None:
        """Notes one more request that matched a fault's route."""
        self._db.execute("UPDATE faults SET seen=seen+1 WHERE id=?", (number,))

    def add_token(self, token: str, app: str, site: str, expires: str, scopes: list[str]) -> None:
        """Records an access token."""
        row = (token, app, site, expires, json.dumps(scopes))
        self._db.execute("INSERT OR REPLACE INTO tokens VALUES(?,?,?,?,?)", row)

    def token(self, token: str) -> tuple[str, str, list[str]] | None:
        """Site, expiry and scopes of an access token."""
        row = self._db.execute("SELECT site,expires,scopes FROM tokens WHERE token=?", (token,)).fetchone()
        return None if row is None else (row[0], row[1], json.loads(row[2]))

    def app_of(self, token: str) -> str:
        """The app that an access token was issued to; empty for an unknown token."""
        row = self._db.execute("SELECT app FROM tokens WHERE token=?", (token,)).fetchone()
        return "" if row is None else str(row[0])

    def wipe(self) -> None:
        """Removes everything but the counter of versions, which must never go back."""
        for table in ("sites", "requests", "gaps", "faults", "past", "tokens"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - constant names
        self._db.execute("DELETE FROM sqlite_sequence")
        self._db.execute("DELETE FROM meta WHERE name<>'version'")
        self._cache.clear()
