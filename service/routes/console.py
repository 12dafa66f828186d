"""GET console: the page that operators look at; files of this package alone, so that it works offline."""

from importlib.resources import files

from fastapi import APIRouter, Request, Response

from service.call import SCOPE_KEY
from service.errors import UnknownPage

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}
PAGES = {entry.name: entry.read_bytes() for entry in files("service.console").iterdir() if entry.is_file()}
# The page loads nothing from elsewhere, sends nothing elsewhere, and cannot be framed.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def console_router() -> APIRouter:
    """The console's files; they hold no data, so they need no key."""
    router = APIRouter(include_in_schema=False)

    @router.get("/console")
    async def console(request: Request) -> Response:
        request.scope[SCOPE_KEY].route = "console"
        return _page("index.html")

    @router.get("/console/{name}")
    async def console_file(name: str, request: Request) -> Response:
        request.scope[SCOPE_KEY].route = "console"
        return _page(name)

    return router


def _page(name: str) -> Response:
    if name not in PAGES:
        raise UnknownPage(f"the console has no file '{name[:80]}'; it begins at /console")
    return Response(PAGES[name], media_type=MEDIA_TYPES[name.rsplit(".", 1)[-1]], headers=HEADERS)
