"""GET errors: what every stable code means; the `type` of a problem leads here."""

from collections.abc import Iterator

from fastapi import APIRouter, Request

from bundle.errors import RetrievalError
from service.call import SCOPE_KEY
from service.problems import row_of
from service.schemas.problem import ErrorMeaning


def errors_router() -> APIRouter:
    """The route that explains error codes."""
    router = APIRouter(tags=["operations"])

    @router.get("/errors", operation_id="list_errors", summary="Error codes")
    async def list_errors(request: Request) -> dict[str, ErrorMeaning]:
        """Every code that a problem may carry, with its HTTP status and meaning."""
        request.scope[SCOPE_KEY].route = "list_errors"
        return {error.code: _meaning(error) for error in sorted(served_errors(), key=lambda error: error.code)}

    return router


def served_errors(root: type[RetrievalError] = RetrievalError) -> Iterator[type[RetrievalError]]:
    """The error classes of the packages that serve."""
    if root.__module__.split(".")[0] in ("bundle", "index", "service"):
        yield root
    for child in root.__subclasses__():
        yield from served_errors(child)


def _meaning(error: type[RetrievalError]) -> ErrorMeaning:
    row = row_of(error)
    return ErrorMeaning(status=row.status, title=row.title, meaning=(error.__doc__ or "").strip().splitlines()[0])
