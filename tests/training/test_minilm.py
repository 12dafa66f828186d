"""all-MiniLM-L6-v2 from its package: it tells paraphrases, exports faithfully, and int8 stays near."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import ConfigError
from bundle.features import FeatureSpec, TokensFeature
from bundle.featurize import Featurizer
from bundle.quantize import quantize_graph
from bundle.session import OnnxSession, SessionConfig
from training.export import export_tower
from training.model import DualEncoder, ModelConfig, TowerData, build_model, embed
from training.parity import check_tower
from training.pretrained import PretrainedConfig, PretrainedModels
from training.towers import TowerConfig

FEATURE = TokensFeature(name="text")
TEXTS = (
    "How do I reset my password?",
    "I forgot my login credentials and need to recover my account.",
    "A cat is sleeping on the sofa.",
    "The kitten naps on the couch.",
    "Stock prices fell sharply today.",
    "The market dropped a lot this afternoon.",
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def models() -> PretrainedModels:
    pytest.importorskip("transformers", reason="the text extra is not installed")
    models = PretrainedModels({"minilm": PretrainedConfig(projection="none")})
    try:
        models.folder("minilm")
    except ConfigError:
        pytest.skip("no package that carries all-MiniLM-L6-v2 is installed")
    return models


@pytest.fixture(scope="module")
def model(models: PretrainedModels) -> DualEncoder:
    spec = FeatureSpec(query=(FEATURE,), item=(FEATURE,))
    return build_model(ModelConfig(spec, TowerConfig(), TowerConfig(), 384, True, models), {}, TowerData(), TowerData())


def pairs_and_others(embedding_ND: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cosine = embedding_ND @ embedding_ND.T
    pair = np.zeros((6, 6), dtype=np.bool_)
    pair[[0, 2, 4], [1, 3, 5]] = True
    return cosine[pair], cosine[np.triu(~pair, 1)]


@pytest.mark.weights
def test_paraphrases_score_above_everything_else(models: PretrainedModels, model: DualEncoder) -> None:
    records = Featurizer([FEATURE], {}, {}, models.tokenizers([FEATURE])).encode([{"text": text} for text in TEXTS])
    pairs, others = pairs_and_others(embed(model.query, records, CPU))
    assert pairs.min() > others.max() + 0.2
    torch.testing.assert_close(embed(model.item, records, CPU), embed(model.query, records, CPU), rtol=0, atol=1e-6)


@pytest.mark.weights
@pytest.mark.slow
def test_the_graph_is_the_model_and_int8_is_near(models: PretrainedModels, model: DualEncoder, tmp_path: Path) -> None:
    records = Featurizer([FEATURE], {}, {}, models.tokenizers([FEATURE])).encode([{"text": text} for text in TEXTS])
    fp32, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    export_tower(model.item, [FEATURE], records.batch(np.arange(1)), fp32)
    assert check_tower(model.item, records, fp32).max_difference <= 1e-5
    quantize_graph(fp32, int8)
    assert int8.stat().st_size < 0.3 * fp32.stat().st_size
    answers = [OnnxSession(path, SessionConfig()).run(records.batch())[0] for path in (fp32, int8)]
    assert (answers[0] * answers[1]).sum(1).min() > 0.98
    pairs, others = pairs_and_others(answers[1])
    assert pairs.min() > others.max() + 0.2
