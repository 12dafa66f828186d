"""The pretrained text encoder: pooling by hand, what is shared, what is frozen, what export gives."""

import json
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bundle.errors import ConfigError
from bundle.features import FeatureSpec, TokensFeature
from bundle.featurize import Featurizer
from bundle.tokens import TextTokenizer
from tests.training.tiny_model import WIDTH, WORDS, tokenizer_json, write_tiny_model
from training.encoders.transformer import Backbone, TransformerEncoder, build_transformer, load_backbone, pool
from training.export import export_tower
from training.model import DualEncoder, ModelConfig, TowerData, build_model, embed
from training.parity import check_tower
from training.pretrained import PretrainedConfig, PretrainedFolder, PretrainedModels
from training.towers import TowerConfig

safetensors = pytest.importorskip("safetensors.torch", reason="the text extra is not installed")
FEATURE = TokensFeature(name="title", model="tiny", max_tokens=16, required=False)
RNG = np.random.default_rng(0)
TEXTS = [" ".join(RNG.choice(WORDS, RNG.integers(1, 20))) for _ in range(40)]
RECORDS = Featurizer([FEATURE], {}, {}, {"tiny": TextTokenizer(tokenizer_json(), "tiny")}).encode(
    [{}, *({"title": text} for text in TEXTS)]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models"))


def found(folder: Path, **settings: object) -> PretrainedFolder:
    return PretrainedFolder("tiny", folder, PretrainedConfig.model_validate({"path": folder, **settings}))


def two_towers(folder: Path, dimension: int = 8, **settings: object) -> DualEncoder:
    spec = FeatureSpec(query=(TokensFeature(name="text", model="tiny", max_tokens=16),), item=(FEATURE,))
    models = PretrainedModels({"tiny": found(folder, **settings).config})
    torch.manual_seed(0)
    return build_model(
        ModelConfig(spec, TowerConfig(), TowerConfig(), dimension, True, models), {}, TowerData(), TowerData()
    )


def test_pooling_by_hand() -> None:
    state = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [100.0, 100.0]], [[7.0, 7.0]] * 3])
    tokens = torch.tensor([[5, 6, 0], [0, 0, 0]])
    torch.testing.assert_close(pool(state, tokens, "mean"), torch.tensor([[2.0, 20.0], [0.0, 0.0]]))
    torch.testing.assert_close(pool(state, tokens, "first"), torch.tensor([[1.0, 10.0], [0.0, 0.0]]))


def test_it_answers_as_the_library_s_own_model(folder: Path) -> None:
    import transformers

    encoder = build_transformer(found(folder, projection="none"), WIDTH).eval()
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.tensor([[2, 4, 5, 6, 3]])
    with torch.no_grad():
        expected = model(input_ids=ids).last_hidden_state.mean(1)
        padded = encoder(torch.cat([ids + 1, torch.zeros(1, 6, dtype=torch.int64)], 1))
    torch.testing.assert_close(padded, expected, rtol=0, atol=1e-5)


def test_no_text_gives_zeros_and_a_finite_gradient(folder: Path) -> None:
    encoder = build_transformer(found(folder), 8)
    encoded = encoder(torch.tensor([[0, 0, 0], [3, 5, 4]]))
    assert (encoded[0] == 0).all()
    assert encoded[1].abs().sum() > 0
    encoded.sum().backward()
    assert all(torch.isfinite(w.grad).all() for w in encoder.parameters() if w.grad is not None)


def test_every_weight_learns_unless_frozen(folder: Path) -> None:
    tokens = torch.from_numpy(RECORDS.batch()["title"])
    encoder = build_transformer(found(folder), 8).train()
    encoder(tokens)[:, 0].square().sum().backward()
    assert [n for n, w in encoder.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0] == []
    frozen = build_transformer(found(folder, freeze=True, dropout=0.5), 8).train()
    first, second = frozen(tokens), frozen(tokens)
    assert torch.equal(first, second)  # dropout rests with the weights
    first.sum().backward()
    assert [n for n, w in frozen.named_parameters() if w.grad is not None] == ["projection.weight"]


def test_dropout_is_the_configured_one(folder: Path) -> None:
    tokens = torch.from_numpy(RECORDS.batch()["title"])
    plain = build_transformer(found(folder), 8).train()
    assert torch.equal(plain(tokens), plain(tokens))  # the file says 0.1
    dropping = build_transformer(found(folder, dropout=0.3), 8).train()
    assert not torch.equal(dropping(tokens), dropping(tokens))
    assert torch.equal(dropping.eval()(tokens), dropping(tokens))


def test_both_towers_share_the_backbone_and_begin_with_one_projection(folder: Path) -> None:
    model = two_towers(folder)
    first, second = model.query.encoders[0], model.item.encoders[0]  # type: ignore[index]
    assert isinstance(first, TransformerEncoder) and isinstance(second, TransformerEncoder)
    assert first.backbone is second.backbone
    assert first.projection is not second.projection
    torch.testing.assert_close(first.projection.weight, second.projection.weight)
    pretrained = [m for m in model.modules() if getattr(m, "pretrained", False)]
    assert [type(m) for m in pretrained] == [Backbone]
    own = sum(w.numel() for w in model.parameters()) - sum(w.numel() for w in pretrained[0].parameters())
    assert own == 2 * (8 * WIDTH + 8)  # projection and bias of each tower


def test_a_wide_enough_projection_keeps_the_pretrained_similarities(folder: Path) -> None:
    cpu = torch.device("cpu")
    plain = embed(build_transformer(found(folder, projection="none"), WIDTH), RECORDS, cpu)
    wide = embed(build_transformer(found(folder), WIDTH + 8), RECORDS, cpu)
    np.testing.assert_allclose(wide @ wide.T, plain @ plain.T, rtol=1e-4, atol=1e-3)


def test_without_a_projection_the_tower_is_the_pretrained_model(folder: Path) -> None:
    model = two_towers(folder, WIDTH, projection="none")
    cpu = torch.device("cpu")
    plain = embed(build_transformer(found(folder, projection="none"), WIDTH), RECORDS, cpu)
    with np.errstate(invalid="ignore"):
        expected = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    embedded = embed(model.item, RECORDS, cpu)
    np.testing.assert_allclose(embedded[1:], expected[1:], rtol=0, atol=1e-6)
    assert np.linalg.norm(embedded[0]) == pytest.approx(1)  # no text, but still a direction


def test_the_graph_is_the_tower_at_any_length(folder: Path, tmp_path: Path) -> None:
    tower, path = two_towers(folder).item.eval(), tmp_path / "tower.onnx"
    export_tower(tower, [FEATURE], RECORDS.batch(np.arange(1)), path)
    assert check_tower(tower, RECORDS, path).max_difference <= 1e-5
    assert [p.name for p in tmp_path.iterdir()] == ["tower.onnx"]
    axes = onnx.load(str(path)).graph.input[0].type.tensor_type.shape.dim
    assert [axis.dim_param for axis in axes] == ["batch", "title_length"]


def test_loading_asks_nobody_and_prints_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    assert load_backbone(found(folder)).width == WIDTH
    assert capfd.readouterr() == ("", "")


def test_code_of_a_folder_is_never_run(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that brings Python of its own is refused; the library is told to run none either."""
    copy, ran = tmp_path / "model", tmp_path / "ran"
    shutil.copytree(folder, copy)
    (copy / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
    settings = json.loads((copy / "config.json").read_text())
    own = {"auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}, "model_type": "own"}
    (copy / "config.json").write_text(json.dumps(settings | own))
    for refuse in (lambda: found(copy).tokenizer, lambda: load_backbone(found(copy))):
        with pytest.raises(ConfigError, match=r"has an 'auto_map'.*runs no code of a model's folder"):
            refuse()
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # what the library would ask on a terminal
    monkeypatch.setattr(PretrainedFolder, "check_no_code", lambda _: None)
    with pytest.raises(ConfigError, match="contains custom code"):
        load_backbone(found(copy))
    assert not ran.exists()


def test_files_that_do_not_fit_are_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    weights = safetensors.load_file(folder / "model.safetensors")
    lacking = {k: v for k, v in weights.items() if "layer.1.attention" not in k}
    safetensors.save_file(lacking, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match="lacks weights of its own model: encoder.layer.1.attention"):
        load_backbone(found(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(ConfigError, match="cannot be loaded as a text model"):
        load_backbone(found(tmp_path))


def test_what_cannot_be_is_refused_with_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"gives 32 numbers, but dimension is 8; set dimension = 32, or projection"):
        two_towers(folder, 8, projection="none")
    spec = FeatureSpec(query=(FEATURE,), item=(FEATURE.model_copy(update={"max_tokens": 41}),))
    models = PretrainedModels({"tiny": found(folder).config})
    with pytest.raises(ConfigError, match="max_tokens = 41, but the model 'tiny' reads at most 40"):
        build_model(ModelConfig(spec, TowerConfig(), TowerConfig(), 8, True, models), {}, TowerData(), TowerData())
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install tandem-retrieval\[text\]"):
        load_backbone(found(folder))
