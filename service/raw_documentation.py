"""What the OpenAPI document says of raw vectors, beside the JSON of the same routes."""

from typing import Any

from service.media_types import RAW
from service.routes.search_options import query_parameters

_ROWS = {RAW.decode(): {"schema": {"type": "string", "format": "binary"}}}
_NAMES = {
    "Tandem-Collection": ("Collection that answered.", "string"),
    "Tandem-Bundle-Id": ("Bundle whose towers answered.", "string"),
    "Tandem-Index-Version": ("Index version that answered.", "string"),
    "Tandem-Dimension": ("Width of every embedding.", "integer"),
}
RAW_QUERIES: dict[str, Any] = {
    "takes": (RAW,),
    "openapi_extra": {"requestBody": {"content": _ROWS}, "parameters": query_parameters()},
}
RAW_ANSWER: dict[str, Any] = {
    "responses": {
        200: {
            "content": _ROWS,
            "headers": {
                name: {"description": f"With raw embeddings: {meaning}", "schema": {"type": kind}}
                for name, (meaning, kind) in _NAMES.items()
            },
        }
    },
}
