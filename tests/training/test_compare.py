from training.compare import flat


def test_baselines_carry_their_name_and_the_model_none() -> None:
    metrics = {"model": {"mrr": 0.5}, "popularity": {"mrr": 0.1}, "item_knn": {"mrr": 0.2}}
    assert flat(metrics) == {"mrr": 0.5, "popularity.mrr": 0.1, "item_knn.mrr": 0.2}
