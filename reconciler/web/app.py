"""The page's application: what it shows, and what it is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.reporters.cards import GROUP_TITLES, Card, Group
from reconciler.reporters.review_text import content_facts
from reconciler.reporters.templating import render, resource
from reconciler.web.board import Board, Changes
from reconciler.web.decisions import ActivityWish, DraftWish, Refusal, decide
from reconciler.web.filters import Filter, counts, waiting, weeks

AT_ONCE: Final = 60
"""Cards that a page begins with, and gets more at a time."""

ASSETS: Final = {
    "page.css": ("reconciler.web", "static/page.css", "text/css"),
    "page.js": ("reconciler.web", "static/page.js", "text/javascript"),
    "cards.css": ("reconciler.reporters", "gallery.css", "text/css"),
}
"""What the page loads, by name: nothing else of the disk is served."""


class Decisions(Struct, frozen=True, forbid_unknown_fields=True):
    """What a page asks for, and the version of the board that it shows."""

    since: int
    wishes: tuple[DraftWish | ActivityWish, ...]


class Refreshed(Struct, frozen=True):
    """What reading the sites again has brought. `problems` say which could not be read, and what to do."""

    words: str
    problems: tuple[str, ...] = ()


class Page:
    """One project's page. `picture` draws what no network has; `refresh` reads the sites again."""

    def __init__(
        self,
        board: Board,
        project: str,
        where: str,
        picture: Callable[[str], str | None] | None = None,
        refresh: Callable[[], Awaitable[Refreshed]] | None = None,
    ) -> None:
        self.board = board
        self.decided: dict[tuple[str, str], str] = {}
        """What was decided here, by site and id: the last word of each."""
        self._project = project
        self._where = where
        self._picture = picture
        self._refresh = refresh

    @cached_property
    def app(self) -> Starlette:
        """The application; whoever serves it guards it."""
        return Starlette(
            routes=[
                Route("/", self.whole),
                Route("/cards", self.more),
                Route("/changes", self.changes),
                Route("/decisions", self.decide, methods=["POST"]),
                Route("/refresh", self.refresh, methods=["POST"]),
                Route("/static/{name}", self.asset),
                Route("/favicon.ico", self.no_icon),
            ]
        )

    async def whole(self, request: Request) -> Response:
        """The page itself."""
        self.board.update()
        chosen = Filter.of(request.query_params)
        return HTMLResponse(
            render(
                "web/page.html",
                project=self._project,
                where=self._where,
                version=self.board.version,
                filter=chosen,
                summary=self._summary(),
                first=self._cards(chosen, 0),
                problems=self._problems(),
                can_refresh=self._refresh is not None,
                sites=sorted(self.board.folder.files),
                channels=sorted({(card.content.channel, card.channel) for card in self.board.cards.values()}),
                states=counts(self.board.cards.values()),
                weeks=weeks(self.board.cards.values()),
            )
        )

    async def more(self, request: Request) -> Response:
        """The next cards of what is shown."""
        chosen, text = Filter.of(request.query_params), request.query_params.get("from", "")
        return HTMLResponse(self._cards(chosen, int(text) if text.isdecimal() and len(text) < 7 else 0))

    async def changes(self, request: Request) -> Response:
        """What is not as it was at the version that a page shows."""
        self.board.update()
        since = request.query_params.get("since", "")
        return self._told(int(since) if since.isdecimal() and len(since) < 12 else 0)

    async def decide(self, request: Request) -> Response:
        """Writes what was decided, where the files still say what was seen."""
        try:
            asked = msgspec.json.decode(await request.body(), type=Decisions)
        except msgspec.DecodeError as error:
            return PlainTextResponse(f"This is no decision: {error}\n", 400)
        refused = decide(self.board.folder, asked.wishes)
        kept_back = {(refusal.site, refusal.id) for refusal in refused}
        self.decided |= {
            (wish.site, wish.id): wish.to.value for wish in asked.wishes if (wish.site, wish.id) not in kept_back
        }
        self.board.update()
        return self._told(asked.since, refused)

    async def refresh(self, request: Request) -> Response:
        """Reads the sites again, and brings their files up to date."""
        if self._refresh is None:
            return PlainTextResponse("This page cannot read the sites.\n", 404)
        since = (await request.json()).get("since", 0)
        done = await self._refresh()
        self.board.update()
        return self._told(since if isinstance(since, int) else 0, said=done)

    async def asset(self, request: Request) -> Response:
        """A style or a script."""
        found = ASSETS.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("The page has nothing of that name.\n", 404)
        package, name, media_type = found
        return Response(resource(package, name), media_type=media_type)

    async def no_icon(self, _request: Request) -> Response:
        """What a browser asks for by itself."""
        return Response(status_code=204)

    def _told(self, since: int, refused: Sequence[Refusal] = (), said: Refreshed | None = None) -> Response:
        found = self.board.since(since) if since != self.board.version else Changes(self.board.version)
        answer: dict[str, Any] = {
            "version": found.version,
            "cards": {card.key: self._card(card) for card in found.cards},
            "gone": found.gone,
            "refused": [msgspec.to_builtins(refusal) for refusal in refused],
            "summary": self._summary(),
            "problems": self._problems(),
        }
        if said is not None:
            answer["said"] = {"words": said.words, "problems": said.problems}
        return JSONResponse(answer)

    def _summary(self) -> str:
        cards = self.board.cards.values()
        return render("web/summary.html", counts=counts(cards), waiting=waiting(cards), total=len(cards))

    def _problems(self) -> str:
        return render("web/problems.html", problems=self.board.problems, facts=self.board.facts)

    def _cards(self, chosen: Filter, start: int) -> str:
        cards = [card for card in self.board.cards.values() if chosen.takes(card)]
        shown = cards[start : start + AT_ONCE]
        return render(
            "web/cards.html",
            groups=_grouped(shown, cards[start - 1].look.group if 0 < start <= len(cards) else None),
            card=self._card,
            total=len(cards),
            start=start,
            upto=start + len(shown),
            more=f"/cards?{chosen.query()}&from={start + AT_ONCE}" if start + AT_ONCE < len(cards) else "",
            filter=chosen,
            empty=not self.board.cards,
        )

    def _card(self, card: Card) -> str:
        facts = [
            (name, text) for name, text in content_facts(card.content, card.account) if name not in ("title", "account")
        ]
        return render("web/review_card.html", card=card, facts=facts, picture=self._shown_at)

    def _shown_at(self, url: str) -> str:
        return (self._picture(url) if self._picture is not None else None) or url


def _grouped(cards: Iterable[Card], before: Group | None) -> list[tuple[str, list[Card]]]:
    """Cards below the title of their group; no title where the page has it already."""
    found: list[tuple[str, list[Card]]] = []
    last = before
    for card in cards:
        if card.look.group is not last or not found:
            found.append(("" if card.look.group is last else GROUP_TITLES[card.look.group], []))
            last = card.look.group
        found[-1][1].append(card)
    return found
