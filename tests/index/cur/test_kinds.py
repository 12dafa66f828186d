"""What each kind stores, and that its settings cannot ask for what is unstable."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from benchmarks.index_parts.synthetic_cross_encoder import synthetic_scores
from index.cur.anncur import condition_number
from index.cur.kinds import AdacurKind, AnncurKind, CurKind, CurReport
from index.cur.paid_scores import PaidScores

N_ITEMS = 200
DATA = synthetic_scores(N_ITEMS, 30, 2, rank=5)
SCORE_NQ, DENSE_NQ = DATA.anchor_NQ.astype(np.float32), DATA.anchor_dual_NQ.astype(np.float32)


def settings(kind: str, **changes: Any) -> Any:
    return TypeAdapter(CurKind).validate_python({"kind": kind, "queries": "q.csv", "n_queries": 30, **changes})


def test_adacur_stores_what_the_dense_score_does_not_say() -> None:
    kind = settings("adacur", pool=50, rounds=2)
    assert isinstance(kind, AdacurKind)
    stored_NQ, report = kind.fit(SCORE_NQ, DENSE_NQ, 0)
    slope, intercept = np.polyfit(DENSE_NQ.ravel(), SCORE_NQ.ravel(), 1)
    np.testing.assert_allclose(stored_NQ, SCORE_NQ - slope * DENSE_NQ - intercept, atol=1e-5)
    assert (report.n_queries, report.calls, report.anchor_rows) == (30, 30 * N_ITEMS, ())
    search = kind.open(stored_NQ, CurReport.model_validate_json(report.model_dump_json()))
    assert (search.pool(N_ITEMS), search.pool(20)) == (50, 20)
    assert len(search.anchor_rows) == 0
    pool = np.argsort(-DATA.dual_TN[0])[:50]
    paid = PaidScores(DATA.scorer(0), 14)
    search.spend(pool, DATA.dual_TN[0, pool].astype(np.float32), paid)
    assert paid.rows_A[:7].tolist() == pool[:7].tolist()
    second = pool[7:][np.argsort(-DATA.test_TN[0, pool[7:]])[:7]]  # rank five, less the line, is known after seven
    assert len(np.intersect1d(paid.rows_A[7:], second)) >= 6


def test_anncur_stores_embeddings_over_its_anchor_items() -> None:
    kind = settings("anncur", n_items=8)
    assert isinstance(kind, AnncurKind)
    stored_NI, report = kind.fit(SCORE_NQ, DENSE_NQ, 0)
    rows = np.array(report.anchor_rows)
    assert (len(set(report.anchor_rows)), stored_NI.shape) == (8, (N_ITEMS, 8))
    assert report.prior.slope == 0
    assert report.prior.intercept == pytest.approx(SCORE_NQ.mean(), abs=1e-6)
    assert report.condition == pytest.approx(
        condition_number(SCORE_NQ[rows] - SCORE_NQ.mean(dtype=np.float64)), rel=0.01
    )
    again, other = kind.fit(SCORE_NQ, DENSE_NQ, 0)[1], kind.fit(SCORE_NQ, DENSE_NQ, 1)[1]
    assert again.anchor_rows == report.anchor_rows != other.anchor_rows
    search = kind.open(stored_NI, report)
    assert (search.anchor_rows.tolist(), search.pool(N_ITEMS)) == (rows.tolist(), N_ITEMS)


def test_a_singular_matrix_has_no_condition_number_in_the_report() -> None:
    same_NQ = np.ones((N_ITEMS, 30), dtype=np.float32)
    report = settings("anncur", n_items=8).fit(same_NQ, DENSE_NQ, 0)[1]
    assert report.condition is None or report.condition > 1e6
    assert CurReport.model_validate_json(report.model_dump_json()) == report


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("anncur", {"n_items": 30, "rcond": 0}, "30 anchor items and 30 anchor queries are about as many"),
        ("adacur", {"rcond": 0.001}, "greater than or equal to 0.01"),
        ("adacur", {"n_items": 3}, "Extra inputs"),
    ],
)
def test_settings_that_would_blow_up_noise_are_refused(kind: str, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(kind, **changes)
