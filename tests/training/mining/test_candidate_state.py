"""Candidates go through a checkpoint unchanged."""

import io

import numpy as np
import torch

from training.candidates import Candidates, PairScores
from training.mining.candidate_state import candidates_of, candidates_state
from training.ragged import Ragged


def test_what_is_stored_comes_back() -> None:
    scores = PairScores.of(np.array([0, 2]), np.array([1, 3]), np.array([0.5, 0.25], dtype=np.float32), 7)
    given = Candidates(Ragged.from_rows([[4, 5], [], [6]]), 2, scores)
    buffer = io.BytesIO()
    torch.save(candidates_state(given), buffer)
    buffer.seek(0)
    found = candidates_of(torch.load(buffer, weights_only=True))
    assert found is not None and found.scores is not None
    assert found.per_step == 2
    assert [found.items.row(row).tolist() for row in range(3)] == [[4, 5], [], [6]]
    assert found.scores.lookup(np.array([2]), np.array([3])).tolist() == [0.25]
    assert candidates_of(candidates_state(None)) is None
    plain = candidates_of(candidates_state(Candidates(given.items, 1)))
    assert plain is not None and plain.scores is None
