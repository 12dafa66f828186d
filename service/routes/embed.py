"""POST embed: parse, queue, answer."""

from service.call import Call
from service.errors import InvalidRequest
from service.operations.embed import Embed
from service.parsing import check_size, parse_body
from service.schemas.embed import EmbedRequest
from service.serving import Serving


class EmbedHandler:
    """Answers embed requests."""

    __name__ = "embed"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, collection: str, body: bytes, call: Call) -> bytes:
        """Embed records with the query or the item tower of the served bundle."""
        slot, loaded = self._serving.capture(collection, call)
        request = parse_body(EmbedRequest, body)
        dimension = loaded.version.dimension
        if request.dimensions not in (None, dimension):
            raise InvalidRequest(
                f"dimensions is {request.dimensions}, but this bundle embeds in {dimension} and was not trained to be "
                "cut (Matryoshka); leave dimensions out"
            )
        call.records = check_size("records", len(request.records), self._serving.settings.limits.max_batch)
        operation = Embed(loaded, request.tower, request.encoding_format)
        return await slot.batcher.submit(operation, request.records, call.records, call)
