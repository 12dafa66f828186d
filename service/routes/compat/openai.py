"""OpenAI's routes: POST /v1/embeddings, GET /v1/models and /v1/models/{model}. B texts, W width."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Path, Request

from service.call import SCOPE_KEY, Call
from service.errors import KeyRequired, UnknownModel
from service.operations.cut import width_of
from service.operations.embed import base64_rows
from service.operations.embed_texts import EmbedTexts
from service.operations.joined import FloatArray
from service.parsing import check_size, parse_body
from service.problems import ErrorAnswer, Failure, json_error
from service.routes.compat.text_models import TextModel, text_model, text_models
from service.routes.compat.texts import texts_of
from service.schemas.openai import OpenAiEmbeddingsRequest, OpenAiModel, OpenAiModels
from service.serving import Serving

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {UnknownModel.code: "model_not_found", KeyRequired.code: "invalid_api_key"}
_BAD_REQUEST = {422: 400}


def openai_error(failure: Failure) -> ErrorAnswer:
    """The nested error of OpenAI's routes; what is 422 elsewhere is 400 there."""
    status = _BAD_REQUEST.get(failure.status, failure.status)
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    code = _CODES.get(failure.code, failure.code)
    error = {"message": failure.detail, "type": kind, "param": failure.param, "code": code}
    return json_error(failure, {"error": error}, status)


@dataclass(frozen=True)
class OpenAiEmbeddings:
    """The answer of /v1/embeddings."""

    model: str
    encoding_format: Literal["float", "base64"]

    def write(self, embedding_BW: FloatArray, tokens: int) -> bytes:
        """One entry a text, in order, and what was read."""
        rows: Sequence[Any] = list(np.ascontiguousarray(embedding_BW))
        if self.encoding_format == "base64":
            rows = base64_rows(embedding_BW)
        data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        answer = {"object": "list", "data": data, "model": self.model, "usage": usage}
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


class OpenAiEmbeddingsHandler:
    """Answers /v1/embeddings."""

    __name__ = "openai_embeddings"

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def __call__(self, body: bytes, call: Call) -> bytes:
        """Embed texts with the tower that `model` names, as OpenAI's route does.

        Every text is cut at the length that the tower reads. `dimensions` cuts embeddings of bundles that were trained
        for it (Matryoshka) and gives them unit length again; of others it is refused.
        """
        request = parse_body(OpenAiEmbeddingsRequest, body)
        model = text_model(self._serving, request.model, call)
        texts = texts_of("input", request.input)
        call.records = check_size("input", len(texts), self._serving.settings.limits.max_batch)
        width = width_of(model.loaded.bundle.manifest, request.dimensions)
        shape = OpenAiEmbeddings(request.model, request.encoding_format)
        operation = EmbedTexts(model.loaded, model.tower, model.feature.name, width, False, shape)
        return await model.slot.batcher.submit(operation, texts, call.records, call)


def openai_models_router(serving: Serving, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The routes that list models."""
    router = APIRouter(tags=["compat"])

    @router.get("/v1/models", operation_id="openai_models", summary="List models (OpenAI)", responses=responses)
    async def openai_models(request: Request) -> OpenAiModels:
        """Every tower that reads a text: `collection` is a query tower, `collection/item` an item tower."""
        call: Call = request.scope[SCOPE_KEY]
        call.route = "openai_models"
        return OpenAiModels(data=[_model(model) for model in text_models(serving, call)])

    @router.get(
        "/v1/models/{model:path}", operation_id="openai_model", summary="Get a model (OpenAI)", responses=responses
    )
    async def openai_model(
        model: Annotated[str, Path(description="Name of the model.", examples=["online-retail/item"])],
        request: Request,
    ) -> OpenAiModel:
        """One model."""
        call: Call = request.scope[SCOPE_KEY]
        call.route = "openai_model"
        return _model(text_model(serving, model, call))

    return router


def _model(model: TextModel) -> OpenAiModel:
    return OpenAiModel(id=model.name, created=int(datetime.fromisoformat(model.loaded.loaded_at).timestamp()))
