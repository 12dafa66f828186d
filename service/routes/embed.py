"""POST embed: parse, queue, answer."""

from service.call import Call
from service.media_types import prefers_raw
from service.operations.cut import width_of
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
        """Embed records with the query or the item tower of the served bundle.

        Where `Accept` puts `application/octet-stream` first, the answer is rows of little-endian float32, whatever
        `encoding_format` says, and the headers `Tandem-Collection`, `Tandem-Bundle-Id`, `Tandem-Index-Version` and
        `Tandem-Dimension` say what JSON says beside them.
        """
        slot, loaded = self._serving.capture(collection, call)
        request = parse_body(EmbedRequest, body)
        width = width_of(loaded.bundle.manifest, request.dimensions)
        call.records = check_size("records", len(request.records), self._serving.settings.limits.max_batch)
        is_raw = prefers_raw(call.headers.get(b"accept"))
        if is_raw:
            call.answer_raw(width)
        operation = Embed(loaded, request.tower, "raw" if is_raw else request.encoding_format, width)
        return await slot.batcher.submit(operation, request.records, call.records, call)
