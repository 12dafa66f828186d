"""The least that HTTP costs: an ASGI function around the same index that checks, logs and counts nothing.

python -m benchmarks.serving_parts.bare INDEX EF_SEARCH PORT
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import faiss
import numpy as np
import orjson

from benchmarks.serving_parts.textbook import index_and_port, item_ids_of, serve

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


def make_app(index: faiss.Index, ef_search: int) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    """The service over an index: {"vector": [...], "k": n} in, {"hits": [...]} out, whatever the path; GET is ready."""
    item_ids = item_ids_of(index)
    parameters = faiss.SearchParametersHNSW(efSearch=ef_search)

    async def app(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan here")
        chunks: list[bytes] = []
        while True:
            message = await receive()
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        answer = b"" if scope["method"] == "GET" else search(orjson.loads(b"".join(chunks)))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def search(question: Mapping[str, Any]) -> bytes:
        query = np.array([question["vector"]], dtype=np.float32)
        scores, rows = index.search(query, question["k"], params=parameters)
        found = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return orjson.dumps({"hits": [{"item_id": item_ids[row], "score": score} for row, score in found]})

    return app


if __name__ == "__main__":
    index, ef_search, port = index_and_port(__doc__)
    serve(make_app(index, ef_search), port)
