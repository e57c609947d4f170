"""The page's application: what it shows, and the requests it answers."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
from markupsafe import Markup
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.config.repository import GitError
from reconciler.reporters.cards import Card, Week, by_group, monday_of, weeks
from reconciler.reporters.gallery import facts_of
from reconciler.reporters.markup import resource
from reconciler.reporters.templating import render
from reconciler.web.board import Board, BoardFacts, Changes
from reconciler.web.decisions import NewActivityDecision, NewDraftDecision, Refusal, decide
from reconciler.web.filters import Filter, counts, waiting, week_choices
from reconciler.web.uncommitted import History, Uncommitted

AT_ONCE: Final = 60
"""How many cards a page starts with, and how many more it gets at a time."""

ORDERS: Final = 32
"""For how many pages the order is remembered, so that decisions do not make a page skip drafts when it loads more."""

DAY_HAS: Final = 4
"""How many cards a day of the calendar shows; the rest is behind a link."""

ASSETS: Final = {
    "page.css": ("reconciler.web", "static/page.css", "text/css"),
    "page.js": ("reconciler.web", "static/page.js", "text/javascript"),
    "cards.css": ("reconciler.reporters", "gallery.css", "text/css"),
}
"""What the page loads, by name: no other file is served."""


class Decisions(Struct, frozen=True, forbid_unknown_fields=True):
    """The decisions that a page sends, and the version of the board that it shows."""

    since: int
    decisions: tuple[NewDraftDecision | NewActivityDecision, ...]


class PageVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """The version of the board that a page shows."""

    since: int


class Refreshed(Struct, frozen=True):
    """What was done, in words. `problems` say what could not be done, and what to do."""

    words: str
    problems: tuple[str, ...] = ()


NOT_SEEN: Final = Refreshed(
    "Nothing was committed.",
    ("The files have changed since, and the page now shows what they say. Look at the decisions, and commit again.",),
)
"""The answer to a request to commit decisions that the page did not show yet."""


class PageActions(Struct, frozen=True):
    """What a page can do in addition to showing and writing files. None: not available.

    `picture` draws images that cannot be fetched. `facts` asks the state again, `refresh` the sites. `history` knows
    what is committed; with `commits`, the page may commit.
    """

    picture: Callable[[str], str | None] | None = None
    facts: Callable[[], Awaitable[BoardFacts]] | None = None
    refresh: Callable[[], Awaitable[Refreshed]] | None = None
    history: History | None = None
    commits: bool = False


class ReviewPage:
    """One project's page. `where` says which service its sites are on."""

    def __init__(self, board: Board, project: str, where: str, ports: PageActions | None = None) -> None:
        self.board = board
        self.decided: dict[tuple[str, str], str] = {}
        """What was decided here and not undone, by site and id: the last decision about each."""
        self._before: dict[tuple[str, str], str] = {}
        """What the files said about it before."""
        self._run = secrets.token_hex(8)
        """Identifies this server: versions from another server's page mean nothing here."""
        self._project = project
        self._where = where
        self._ports = ports or PageActions()
        self._bar: tuple[int, Uncommitted] = (0, Uncommitted())
        self._orders: dict[tuple[Filter, int], tuple[str, ...]] = {}

    @cached_property
    def app(self) -> Starlette:
        """The application. The code that serves it must guard it."""
        return Starlette(
            routes=[
                Route("/", self.whole),
                Route("/cards", self.more),
                Route("/calendar", self.calendar),
                Route("/changes", self.changes),
                Route("/decisions", self.decide, methods=["POST"]),
                Route("/refresh", self.refresh, methods=["POST"]),
                Route("/commit", self.commit, methods=["POST"]),
                Route("/static/{name}", self.asset),
                Route("/favicon.ico", self.no_icon),
            ]
        )

    async def whole(self, request: Request) -> Response:
        """The page itself."""
        if self._ports.facts is not None:
            self.board.learn(await self._ports.facts())
        self._look()
        chosen = Filter.of(request.query_params)
        return HTMLResponse(
            render(
                "web/page.html",
                project=self._project,
                where=self._where,
                version=self.board.version,
                run=self._run,
                filter=chosen,
                summary=self._summary(),
                first=self._cards(chosen, 0),
                problems=self._problems(),
                bar=self._uncommitted_bar(),
                can_refresh=self._ports.refresh is not None,
                sites=sorted(self.board.folder.files),
                channels=sorted({(card.content.channel, card.channel) for card in self.board.cards.values()}),
                states=counts(self.board.cards.values()),
                weeks=week_choices(self.board.cards.values()),
            )
        )

    async def more(self, request: Request) -> Response:
        """The next cards of what is shown."""
        self._look()
        chosen, given = Filter.of(request.query_params), request.query_params
        return HTMLResponse(self._cards(chosen, _number(given.get("from", "")), _number(given.get("at", ""))))

    async def calendar(self, request: Request) -> Response:
        """The weeks of what is shown that have anything in them."""
        chosen = Filter.of({**request.query_params, "week": ""})
        found = weeks(card for card in self.board.cards.values() if chosen.takes(card))

        def place(card: Card) -> str:
            return f"/?{chosen.query(week=monday_of(card).isoformat())}#{card.key}"

        def rest(week: Week) -> str:
            return f"/?{chosen.query(week=week.key)}"

        return HTMLResponse(render("web/calendar.html", weeks=found, place=place, rest=rest, day_has=DAY_HAS))

    async def changes(self, request: Request) -> Response:
        """What has changed since the version that a page shows."""
        self._look()
        return self._refreshed(_number(request.query_params.get("since", "")))

    async def decide(self, request: Request) -> Response:
        """Writes what was decided, if the files still say what was seen."""
        try:
            asked = msgspec.json.decode(await request.body(), type=Decisions)
        except (msgspec.DecodeError, RecursionError) as error:
            return PlainTextResponse(f"This is not a decision: {error}\n", 400)
        refused = decide(self.board.folder, asked.decisions)
        kept_back = {(refusal.site, refusal.id) for refusal in refused}
        for new in asked.decisions:
            about = (new.site, new.id)
            if about in kept_back:
                continue
            self.decided[about] = new.to.value
            if self._before.setdefault(about, new.seen.value) == new.to.value:
                del self.decided[about]
        self.board.update()
        return self._refreshed(asked.since, refused)

    async def refresh(self, request: Request) -> Response:
        """Reads the sites again, and updates their files."""
        if self._ports.refresh is None:
            return PlainTextResponse("This page cannot read the sites.\n", 404)
        asked = await self._since(request)
        done = await self._ports.refresh()
        self._look()
        return self._refreshed(asked, said=done)

    async def commit(self, request: Request) -> Response:
        """Commits the decisions that the page shows, if it was started with that permission. Nothing is pushed."""
        history = self._ports.history
        if history is None or not self._ports.commits:
            return PlainTextResponse("Start the page with --commit to commit from it.\n", 404)
        asked = await self._since(request)
        self._look()
        if asked != self.board.version:
            return self._refreshed(asked, said=NOT_SEEN)
        found = history.uncommitted(self.board.folder)
        try:
            if not found.files:
                return self._refreshed(asked, said=Refreshed("There is nothing to commit."))
            history.repository().commit(found.files, found.message)
        except GitError as error:
            return self._refreshed(asked, said=Refreshed("Nothing was committed.", (f"{error}.",)))
        self._look()
        return self._refreshed(asked, said=Refreshed(f"Committed: {found.subject}. It is not pushed."))

    async def _since(self, request: Request) -> int:
        try:
            return msgspec.json.decode(await request.body(), type=PageVersion).since
        except (msgspec.DecodeError, RecursionError):
            return 0

    async def asset(self, request: Request) -> Response:
        """A stylesheet or a script."""
        found = ASSETS.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("There is no such page.\n", 404)
        package, name, media_type = found
        return Response(resource(package, name), media_type=media_type)

    async def no_icon(self, _request: Request) -> Response:
        """No icon: browsers request one by themselves."""
        return Response(status_code=204)

    def _look(self) -> None:
        """Reads what files and git say now."""
        if self._ports.history is not None and self._ports.history.moved():
            self._bar = (0, Uncommitted())
            self.board.check_out()
        self.board.update()

    def _refreshed(self, since: int, refused: Sequence[Refusal] = (), said: Refreshed | None = None) -> Response:
        found = self.board.since(since) if since != self.board.version else Changes(self.board.version)
        answer: dict[str, Any] = {
            "run": self._run,
            "version": found.version,
            "cards": {card.key: self._card(card) for card in found.cards},
            "gone": found.gone,
            "added": found.added,
            "refused": [msgspec.to_builtins(refusal) for refusal in refused],
            "summary": self._summary(),
            "states": {each.value: f"{each.words} ({each.count:,})" for each in counts(self.board.cards.values())},
            "problems": self._problems(),
            "bar": self._uncommitted_bar(),
        }
        if said is not None:
            answer["said"] = {"words": said.words, "problems": said.problems}
        return JSONResponse(answer)

    def _summary(self) -> str:
        cards = self.board.cards.values()
        uncommitted = len(self._uncommitted().decisions)
        return render("web/summary.html", waiting=waiting(cards), total=len(cards), uncommitted=uncommitted)

    def _uncommitted(self) -> Uncommitted:
        """What is not committed, determined again only if a file or HEAD has changed."""
        if self._ports.history is not None and self._bar[0] != self.board.version:
            self._bar = (self.board.version, self._ports.history.uncommitted(self.board.folder))
        return self._bar[1]

    def _uncommitted_bar(self) -> Markup:
        return render("web/uncommitted.html", found=self._uncommitted(), commits=self._ports.commits)

    def _problems(self) -> str:
        return render("web/problems.html", problems=self.board.problems, facts=self.board.facts)

    def _order(self, chosen: Filter, version: int) -> tuple[str, ...]:
        """The keys of the cards on a page opened at this version, in its order, whatever has been decided since."""
        known = self._orders.get((chosen, version))
        if known is None:
            known = tuple(key for key, card in self.board.cards.items() if chosen.takes(card))
            self._orders[chosen, version] = known
            if len(self._orders) > ORDERS:
                del self._orders[next(iter(self._orders))]
        return known

    def _cards(self, chosen: Filter, start: int, version: int = 0) -> str:
        """Some of the cards of a page that was opened at this version; 0 if it is being opened now."""
        version = version if (chosen, version) in self._orders else self.board.version
        keys = self._order(chosen, version)
        before, shown = (
            [card for key in keys[begin:end] if (card := self.board.cards.get(key)) is not None]
            for begin, end in ((0, start), (start, start + AT_ONCE))
        )
        upto = min(start + AT_ONCE, len(keys))
        return render(
            "web/cards.html",
            groups=by_group(shown, before[-1].look.group if before else None),
            card=self._card,
            total=len(keys),
            start=start,
            upto=upto,
            more=f"/cards?{chosen.query()}&from={upto}&at={version}" if upto < len(keys) else "",
            filter=chosen,
            empty=not self.board.cards,
            unreadable=bool(self.board.problems),
        )

    def _card(self, card: Card) -> str:
        return render("web/review_card.html", card=card, facts=facts_of(card), picture=self._shown_at)

    def _shown_at(self, url: str) -> str:
        return (self._ports.picture(url) if self._ports.picture is not None else None) or url


def _number(text: str) -> int:
    """A number in an address; 0 if it is not one."""
    return int(text) if text.isdecimal() and len(text) < 12 else 0
