"""A scorer of real texts that is no product of two vectors: every query token counts its most similar item token.

Khattab and Zaharia, "ColBERT" (2020), over frozen MiniLM. It stands in for a cross-encoder, whose scores of so many
pairs would take a processor hours. N items, Q queries, B texts of a batch, T tokens, D 384.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.index_parts.synthetic_cross_encoder import OracleScores
from benchmarks.medquad_data import medquad
from benchmarks.text_task import TEXT
from benchmarks.text_vectors import minilm_vectors
from training.encoders.transformer import load_backbone
from training.pretrained import PretrainedModels
from training.ragged import FloatArray

N_ITEMS, N_ANCHORS, N_TESTS, TOKENS = 2_000, 250, 100, 64
_TEXTS_A_BATCH = 32


def medquad_scores(data: Path, cache: Path) -> OracleScores:
    """MedQuAD: questions to anchor with, other questions to test with, and answers; kept in `cache`.

    A dual encoder ranks by the cosine of MiniLM's pooled vectors. Raises BadData when a file is not there.
    """
    task = medquad(data)
    rng = np.random.default_rng(0)
    rows_N = rng.choice(len(task.dataset.items), N_ITEMS, replace=False)
    rows_Q = rng.choice(np.unique(task.dataset.interactions.query_N), N_ANCHORS + N_TESTS, replace=False)
    records = task.dataset.queries.records([TEXT], rows_Q)
    asked = [str(record[TEXT]) for record in records]
    answers = task.dataset.items.table["answer"].take(rows_N).to_pylist()
    score_QN = _kept(asked, answers, cache)
    query_QD, item_ND = (minilm_vectors(texts, cache, TOKENS) for texts in (asked, answers))
    dual_QN = query_QD @ item_ND.T
    return OracleScores(
        score_QN[:N_ANCHORS].T.astype(np.float64),
        score_QN[N_ANCHORS:].astype(np.float64),
        dual_QN[:N_ANCHORS].T.astype(np.float64),
        dual_QN[N_ANCHORS:].astype(np.float64),
    )


def most_similar_tokens(query_TD: Tensor, item_NTD: Tensor, real_NT: Tensor) -> Tensor:
    """Scores [N]: for every token of a query its largest inner product with a token of the item, averaged."""
    similar_NTT = torch.einsum("td,nsd->nts", query_TD, item_NTD)
    return similar_NTT.masked_fill(~real_NT[:, None], -torch.inf).amax(2).mean(1)


def _kept(queries: Sequence[str], items: Sequence[str], cache: Path) -> FloatArray:
    digest = hashlib.sha256("\0".join([str(TOKENS), *queries, *items]).encode()).hexdigest()[:16]
    path = cache / f"late-interaction-{digest}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        item_NTD, real_NT = _states(items)
        query_QTD, real_QT = _states(queries)
        rows = [most_similar_tokens(one[real], item_NTD, real_NT) for one, real in zip(query_QTD, real_QT, strict=True)]
        np.save(path, torch.stack(rows).numpy())
    scores_QN: FloatArray = np.load(path)
    return scores_QN


@torch.no_grad()
def _states(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Unit states [N, T, D] of all tokens, and which are real [N, T]."""
    folder = PretrainedModels().folder("minilm")
    backbone = load_backbone(folder).eval()
    encode = folder.tokenizer.texts(TOKENS)
    token_NT = torch.zeros(len(texts), TOKENS, dtype=torch.int64)
    for row, text in enumerate(texts):
        ids = encode(text)
        token_NT[row, : len(ids)] = torch.from_numpy(ids)
    parts = [backbone(token_NT[start : start + _TEXTS_A_BATCH]) for start in range(0, len(texts), _TEXTS_A_BATCH)]
    return torch.nn.functional.normalize(torch.cat(parts), dim=2), token_NT > 0
