"""The short way to the hot routes: a look-up in place of the framework's layers.

What FastAPI and Starlette put around a route (telemetry, two error middlewares, an exit stack, a body limit, one
regular expression after the other) does nothing for one that reads its own body and whose failures the boundary
answers, and costs as much CPU as a search. Whatever is no plain POST to a hot route goes through all of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service.hot_route import COLLECTION, HotRoute
from service.openapi import DocumentedApp


class HotPaths:
    """Hot routes by path: two dictionaries, one of whole paths and one of what stands behind a collection."""

    def __init__(self, routes: Sequence[HotRoute]) -> None:
        """ValueError where routes below a collection begin differently."""
        self._whole = {route.path: route for route in routes if COLLECTION not in route.path}
        parted = [(route.path.split(COLLECTION), route) for route in routes if COLLECTION in route.path]
        starts = {start for (start, _), _ in parted}
        if len(starts) > 1:
            raise ValueError(f"hot routes name the collection at different places: {', '.join(sorted(starts))}")
        self._start = starts.pop() if starts else ""
        self._behind = {end.removeprefix("/"): route for (_, end), route in parted}

    def find(self, scope: Scope) -> HotRoute | None:
        """The hot route of a request, whose path parameters are then in `scope`; None where the router is to look."""
        if scope["method"] != "POST" or scope.get("root_path"):
            return None
        path: str = scope["path"]
        if self._start and path.startswith(self._start):
            collection, _, end = path[len(self._start) :].partition("/")
            route = self._behind.get(end) if collection else None
            if route is not None:
                scope["path_params"] = {"collection": collection}
            return route
        return self._whole.get(path)


class ShortWayApp(DocumentedApp):
    """An application whose hot routes are found before anything else is asked."""

    def __init__(self, boundary: Callable[[ASGIApp], ASGIApp], hot: Sequence[HotRoute], **settings: Any) -> None:
        """`boundary` is put around the hot routes, and is to be among the middleware of `settings` for the others."""
        super().__init__(**settings)
        self.hot = tuple(hot)
        self.router.routes.extend(hot)  # for the document, and for what the short way does not take
        self._hot = HotPaths(hot)
        self._bounded = boundary(_answer_matched)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the short way where a hot route takes the request."""
        route = self._hot.find(scope) if scope["type"] == "http" else None
        if route is None:
            await super().__call__(scope, receive, send)
            return
        scope["route"] = route
        await self._bounded(scope, receive, send)


async def _answer_matched(scope: Scope, receive: Receive, send: Send) -> None:
    await scope["route"].app(scope, receive, send)
