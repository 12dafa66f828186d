from typing import Any

import pytest

from bundle.config import validate_config
from bundle.errors import ConfigError
from tests.training.world import shop_config, shop_settings
from training.config import TrainConfig


def test_the_resolved_config_survives_json() -> None:
    config = shop_config()
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("logq", ["classic", "corrected"])
@pytest.mark.parametrize(
    ("negatives", "reason"),
    [({"kind": "catalogue"}, "samples nothing"), ({"kind": "uniform"}, "draws every item alike")],
)
def test_a_correction_of_what_is_not_popularity_is_refused_with_the_reason(
    logq: str, negatives: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        shop_config(negatives=negatives, objective={"logq": logq})


def test_uniform_negatives_mixed_with_the_batch_may_be_corrected() -> None:
    assert shop_config(negatives={"kind": "uniform", "in_batch": True}).objective.draw_correction == "classic"


def test_a_metric_that_is_not_measured_is_refused_naming_those_that_are() -> None:
    with pytest.raises(ConfigError, match="'recall@7' is not measured.*ndcg@5"):
        shop_config(trainer={"metric": "recall@7"})


def test_a_history_without_its_feature_is_refused() -> None:
    with pytest.raises(ConfigError, match="'past' is no sequence feature.*history"):
        shop_config(examples={"history_feature": "past"})


def test_heads_must_divide_the_dimension() -> None:
    with pytest.raises(ConfigError, match="heads = 3 does not divide dimension 16"):
        shop_config(query_tower={"history": {"kind": "attention", "heads": 3}})


def test_a_shared_text_table_needs_texts_that_hash_alike() -> None:
    def features(query_buckets: int) -> dict[str, Any]:
        query = {"kind": "text", "name": "words", "buckets": query_buckets, "max_words": 9}
        return {"query": [query], "item": [{"kind": "text", "name": "title"}]}

    assert shop_config(share_text=True, features=features(65536), examples={"history_feature": None}).share_text
    with pytest.raises(ConfigError, match="share_text = true.*make them equal"):
        shop_config(share_text=True, features=features(99), examples={"history_feature": None})


def test_a_tokens_feature_without_a_model_is_refused_with_what_to_add() -> None:
    tokens = {
        "query": [{"kind": "tokens", "name": "title", "model": "other"}],
        "item": [{"kind": "tokens", "name": "a"}],
    }
    with pytest.raises(ConfigError, match=r"names the model 'other'; add a section \[pretrained\.other\] with a path"):
        shop_config(features=tokens, examples={"history_feature": None})
    config = shop_config(
        features=tokens, examples={"history_feature": None}, pretrained={"other": {"path": "m", "freeze": True}}
    )
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


def test_a_feature_named_as_the_output_is_refused() -> None:
    with pytest.raises(ConfigError, match="named 'embedding'.*rename"):
        shop_config(features={"query": [{"kind": "category", "name": "embedding"}]})


@pytest.mark.parametrize("k", [0, -5])
def test_a_depth_below_one_is_refused(k: int) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.ks\.2: .*greater than 0"):
        shop_config(evaluation={"ks": [5, 10, k]})


def test_stable_codes_need_codes() -> None:
    with pytest.raises(ConfigError, match=r"semantic_id_stability needs semantic IDs; add a section \[quantizer\]"):
        shop_config(quantizer=None, semantic_id_stability={"mode": "match"})


def kept(kind: str, mode: str) -> TrainConfig:
    settings = {**shop_settings(), "quantizer": {"kind": kind}, "semantic_id_stability": {"mode": mode}}
    return validate_config(TrainConfig, settings, "test")


@pytest.mark.parametrize("kind", ["rq_vae", "fsq", "das"])
def test_a_warm_start_of_codebooks_in_a_space_of_their_own_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"quantizer.kind = '{kind}' do not add up there.*'match'"):
        kept(kind, "warm_start")
    for mode in ("match", "measure"):
        stability = kept(kind, mode).semantic_id_stability
        assert stability is not None and stability.mode == mode


@pytest.mark.parametrize("kind", ["residual", "residual_kmeans"])
def test_codebooks_that_add_up_can_start_warm(kind: str) -> None:
    stability = kept(kind, "warm_start").semantic_id_stability
    assert stability is not None and stability.mode == "warm_start"
