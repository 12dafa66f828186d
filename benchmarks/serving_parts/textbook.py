"""The textbook's search service, to compare with: a `def` route with pydantic models in and out, around the same index.

python -m benchmarks.serving_parts.textbook INDEX EF_SEARCH PORT
"""

import argparse
from typing import Any

import faiss
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

TEXTBOOK_PATH = "/search"


class Question(BaseModel):
    """A vector, and how many items are wanted."""

    vector: list[float]
    k: int = 10


class Neighbour(BaseModel):
    """An item and its score."""

    item_id: str
    score: float


class Neighbours(BaseModel):
    """What was found."""

    hits: list[Neighbour]


def make_app(index: faiss.Index, ef_search: int) -> FastAPI:
    """The service over an index."""
    app = FastAPI()
    item_ids = item_ids_of(index)
    parameters = faiss.SearchParametersHNSW(efSearch=ef_search)

    @app.get("/readyz")
    def readyz() -> str:
        """200 once it answers."""
        return "ready"

    @app.post(TEXTBOOK_PATH, response_model=Neighbours)
    def search(question: Question) -> Neighbours:
        """The nearest items of one vector."""
        query = np.array([question.vector], dtype=np.float32)
        scores, rows = index.search(query, question.k, params=parameters)
        found = zip(rows[0].tolist(), scores[0].tolist(), strict=True)
        return Neighbours(hits=[Neighbour(item_id=item_ids[row], score=score) for row, score in found])

    return app


def item_ids_of(index: faiss.Index) -> list[str]:
    """The ids of all items, by row."""
    return [f"item-{row:06d}" for row in range(index.ntotal)]


def index_and_port(description: str | None) -> tuple[faiss.Index, int, int]:
    """What the command line names: a mapped index, its efSearch, and a port."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("index")
    parser.add_argument("ef_search", type=int)
    parser.add_argument("port", type=int)
    told = parser.parse_args()
    return faiss.read_index(told.index, faiss.IO_FLAG_MMAP_IFC), told.ef_search, told.port


def serve(app: Any, port: int) -> None:
    """Serve until a signal, under uvicorn as the service runs under it."""
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    index, ef_search, port = index_and_port(__doc__)
    serve(make_app(index, ef_search), port)
