"""The cross-encoder: a pretrained transformer over query text and item text in one row, with a scoring head.

Nogueira and Cho, "Passage Re-ranking with BERT" (2019). Axes: B queries, C candidates of each, N pairs, T tokens.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize

from bundle.columns import batches_of_like_length
from bundle.config import Config
from bundle.errors import ConfigError
from bundle.features import FeatureName
from bundle.rerankers.cross_encoder import PARTS, SCORE, TOKENS, joined_text
from bundle.session import OnnxSession, SessionConfig
from bundle.tokens import PairTokens
from training.dataset import Dataset
from training.encoders.transformer import Backbone, load_backbone, pool
from training.epoch_hook import HookContext
from training.errors import ExportMismatch
from training.export import export_graph
from training.parity import MAX_DIFFERENCE
from training.pretrained import DEFAULT_MODEL, PretrainedModels
from training.ragged import IntArray
from training.rankers.contract import Reads

Head = Literal["pooled", "tokens"]

# Pairs and values of a batch. On a processor many pairs at once are no cheaper than few, and padding is.
_A_BATCH = {"cpu": (16, 2048)}
_A_BATCH_ELSEWHERE = (256, 32768)


class CrossEncoderConfig(Config):
    """A pretrained text model that reads query and item together."""

    kind: Literal["cross_encoder"] = "cross_encoder"
    model: FeatureName = Field(default=DEFAULT_MODEL, description="Name of the pretrained model.")
    query_columns: tuple[str, ...] = Field(min_length=1, description="Text columns of a query, joined by a space.")
    item_columns: tuple[str, ...] = Field(min_length=1, description="Text columns of an item, joined by a space.")
    max_tokens: int = Field(default=192, ge=8, description="Tokens of a pair; of two long texts the longer is cut.")
    head: Head = Field(
        default="pooled",
        description="What becomes the score: 'pooled' one direction of the pooled states, which must be learned from "
        "nothing; 'tokens' also how near each query token is to an item token, which a model of similar sentences "
        "knows before it is trained, so that few pairs go further.",
    )

    @property
    def reads(self) -> Reads:
        """Its model and its columns."""
        return Reads((self.model,), self.query_columns, self.item_columns)

    def build(self, context: HookContext) -> "CrossEncoderRanker":
        """A fresh ranker on the device of the run; raises ConfigError for a missing column or model."""
        return CrossEncoderRanker(self, context.dataset, context.pretrained).to(context.device)


class CrossEncoder(nn.Module):
    """Pairs of texts to scores: the pooled states times one learned direction.

    With the head 'tokens' a learned multiple of `nearest_tokens` is added, 20 at first.
    """

    def __init__(self, backbone: Backbone, pooling: str, head: Head = "pooled") -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.sharpness = nn.Parameter(torch.tensor(20.0)) if head == "tokens" else None
        self.head = nn.Linear(backbone.width, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, token_NT: Tensor, part_NT: Tensor) -> Tensor:
        """Shifted ids, 0 pads, and whose they are (0 query, 1 item), int64 [N, T] -> scores float32 [N]."""
        state_NTH = self.backbone(token_NT, part_NT)
        score_N1: Tensor = self.head(pool(state_NTH, token_NT, self.pooling))
        if self.sharpness is None:
            return score_N1[:, 0]
        return score_N1[:, 0] + self.sharpness * nearest_tokens(state_NTH, token_NT, part_NT)


def nearest_tokens(state_NTH: Tensor, token_NT: Tensor, part_NT: Tensor) -> Tensor:
    """Mean over query tokens of the largest cosine to an item token [N]; -1 for an item without tokens.

    Khattab and Zaharia, "ColBERT" (SIGIR 2020), section 3.2, over states that have read both texts.
    """
    unit_NTH = normalize(state_NTH, dim=2)
    of_item_N1T = ((token_NT > 0) & (part_NT == 1))[:, None, :]
    of_query_NT = ((token_NT > 0) & (part_NT == 0)).to(unit_NTH.dtype)
    cosine_NTT = unit_NTH @ unit_NTH.transpose(1, 2)
    nearest_NT = cosine_NTT.masked_fill(~of_item_N1T, -1.0).amax(2)
    nearest_N: Tensor = (nearest_NT * of_query_NT).sum(1) / of_query_NT.sum(1).clamp_min(1.0)
    return nearest_N


class CrossEncoderRanker(nn.Module):
    """Implements Ranker over the text columns of a dataset."""

    def __init__(self, config: CrossEncoderConfig, dataset: Dataset, pretrained: PretrainedModels) -> None:
        super().__init__()
        folder = pretrained.folder(config.model)
        if config.max_tokens > folder.max_tokens:
            raise ConfigError(
                f"ranker.max_tokens = {config.max_tokens}, but the model '{config.model}' reads at most "
                f"{folder.max_tokens}; lower it"
            )
        self._tokens = folder.tokenizer.pairs(config.max_tokens)
        if config.head == "tokens" and not (self._tokens([("a", "b")]).part_NT == 1).any():
            raise ConfigError(
                f"the tokenizer of the model '{config.model}' does not say which tokens are the item's, so head = "
                "'tokens' could compare none; use head = 'pooled', or a model of the BERT family"
            )
        self._query = _Texts(dataset.queries.table, config.query_columns, dataset.queries.source)
        self._item = _Texts(dataset.items.table, config.item_columns, dataset.items.source)
        self.model = CrossEncoder(load_backbone(folder), folder.config.pooling, config.head)

    def score(self, query_rows_B: IntArray, item_rows_BC: IntArray) -> Tensor:
        """Scores float32 [B, C] of these rows of the dataset."""
        query_rows_N = np.repeat(query_rows_B, item_rows_BC.shape[1])
        return self.scores(self.texts(query_rows_N, item_rows_BC.reshape(-1))).reshape(item_rows_BC.shape)

    def texts(self, query_rows_N: IntArray, item_rows_N: IntArray) -> list[tuple[str, str]]:
        """Query text and item text of N pairs of rows."""
        return list(zip(self._query.of(query_rows_N), self._item.of(item_rows_N), strict=True))

    def scores(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        """Scores float32 [N] of (query text, item text) pairs; pairs of like length share a batch."""
        tokens = self.tokens(pairs)
        device = self.model.head.weight.device
        length_N = (tokens.token_NT > 0).sum(1)
        batches = batches_of_like_length(length_N, *_A_BATCH.get(device.type, _A_BATCH_ELSEWHERE))
        parts = [
            self.model(*(torch.from_numpy(a[rows, : length_N[rows].max()]).to(device) for a in _arrays(tokens)))
            for rows in batches
        ]
        back_N = torch.from_numpy(np.argsort(np.concatenate(batches))).to(device)
        return torch.cat(parts)[back_N]

    def tokens(self, pairs: Sequence[tuple[str, str]]) -> PairTokens:
        """What the graph reads of (query text, item text) pairs."""
        return self._tokens(pairs)


class _Texts:
    """The texts of a table's rows: some columns joined."""

    def __init__(self, table: pa.Table | None, columns: Sequence[str], source: str) -> None:
        known = [] if table is None else table.column_names
        missing = [name for name in columns if name not in known]
        if table is None or missing:
            raise ConfigError(
                f"{source} has no text column {', '.join(missing)} for the cross-encoder; it has: "
                f"{', '.join(known) or 'none'}"
            )
        for name in columns:
            kind = table.schema.field(name).type
            # A catalogue may store anything else in another form, and a request then gives the model another text.
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)):
                raise ConfigError(
                    f"{source}, column '{name}' is {kind}, but a cross-encoder reads text and whole numbers; "
                    "name other columns"
                )
        self._table = table.select(list(columns))

    def of(self, rows_N: IntArray) -> list[str]:
        """The texts of these rows; rows asked for more than once are read once."""
        rows_U, place_N = np.unique(rows_N, return_inverse=True)
        records = self._table.take(pa.array(rows_U)).to_pylist()
        texts = [joined_text(record, self._table.column_names) for record in records]
        return [texts[place] for place in place_N]


def export_cross_encoder(model: CrossEncoder, example: PairTokens, path: Path) -> float:
    """Write the graph `tokens`, `parts` int64 [N, T] -> `score` [N] and leave the model on the CPU in evaluation mode.

    Returns what `check_cross_encoder` measures on `example`; raises ExportMismatch.
    """
    model.cpu().eval()
    axes = {name: {0: "batch", 1: "length"} for name in (TOKENS, PARTS)}
    export_graph(model, {name: torch.ones(3, 5, dtype=torch.int64) for name in axes}, axes, SCORE, path)
    return check_cross_encoder(model, example, path)


def check_cross_encoder(model: CrossEncoder, example: PairTokens, path: Path) -> float:
    """Largest difference to the model's scores; raises ExportMismatch where it is beyond 1e-5 of the largest score."""
    with torch.no_grad():
        expected_N = model(*(torch.from_numpy(array) for array in _arrays(example))).numpy()
    answer_N = OnnxSession(path, SessionConfig()).run(dict(zip((TOKENS, PARTS), _arrays(example), strict=True)))[0]
    worst = float(np.abs(answer_N - expected_N).max())
    if not worst <= MAX_DIFFERENCE * max(1.0, float(np.abs(expected_N).max())):  # NaN fails too
        raise ExportMismatch(f"{path.name} differs from the trained cross-encoder by {worst:.3g}", file=path.name)
    return worst


def _arrays(tokens: PairTokens) -> tuple[IntArray, IntArray]:
    return tokens.token_NT, tokens.part_NT
