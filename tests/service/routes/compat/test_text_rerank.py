import math

import pytest

from service.routes.compat.text_rerank import relevance


def test_a_cosine_is_mapped_to_the_unit_interval() -> None:
    assert [relevance(score, "cosine") for score in (-1, 0, 0.5, 1)] == [0, 0.5, 0.75, 1]
    assert relevance(1.0000002, "cosine") == 1  # float32 rounds above 1
    assert relevance(-1.0000002, "cosine") == 0


def test_an_inner_product_goes_through_the_logistic_function() -> None:
    assert relevance(0, "dot") == 0.5
    assert relevance(2, "dot") == pytest.approx(1 / (1 + math.exp(-2)))
    assert relevance(-800, "dot") == 0
    assert relevance(800, "dot") == 1


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_the_order_is_kept(metric: str) -> None:
    scores = [relevance(score / 10, metric) for score in range(-10, 11)]  # type: ignore[arg-type]
    assert scores == sorted(set(scores))
