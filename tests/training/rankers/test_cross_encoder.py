"""The cross-encoder over a small dataset: it scores pairs of rows, learns, and exports."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim import AdamW

from bundle.errors import ConfigError
from bundle.quantize import quantize_graph
from bundle.session import OnnxSession, SessionConfig
from tests.training.small_data import ints, small_dataset
from tests.training.tiny_model import WORDS, write_tiny_model
from training.device import repeatable
from training.errors import ExportMismatch
from training.pretrained import PretrainedConfig, PretrainedModels
from training.rankers.cross_encoder import (
    CrossEncoderConfig,
    CrossEncoderRanker,
    check_cross_encoder,
    export_cross_encoder,
    nearest_tokens,
)
from training.rankers.losses import listwise_loss

N = len(WORDS)
DATASET = small_dataset(
    [(row, row) for row in range(N)],
    query_columns={"ask": [f"old {word}" for word in WORDS]},
    item_columns={"title": WORDS, "text": [None if row % 2 else f"the {word} big" for row, word in enumerate(WORDS)]},
)
CONFIG = CrossEncoderConfig(model="tiny", query_columns=("ask",), item_columns=("title", "text"), max_tokens=20)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> PretrainedModels:
    return PretrainedModels({"tiny": PretrainedConfig(path=write_tiny_model(tmp_path_factory.mktemp("models")))})


def ranker(models: PretrainedModels, config: CrossEncoderConfig = CONFIG) -> CrossEncoderRanker:
    torch.manual_seed(0)
    return CrossEncoderRanker(config, DATASET, models).eval()


def test_a_pair_scores_alike_wherever_it_stands(models: PretrainedModels) -> None:
    teacher = ranker(models)
    items = np.array([[0, 5, 7], [3, 0, 2]])
    with torch.no_grad():
        score_BC = teacher.score(ints(4, 9), items)
        assert score_BC.shape == (2, 3)
        for row, query in enumerate((4, 9)):
            for column in range(3):
                alone = teacher.score(ints(query), items[row : row + 1, column : column + 1])
                torch.testing.assert_close(alone[0, 0], score_BC[row, column], rtol=0, atol=1e-5)
        texts = teacher.scores([("old soft", "red the red big")])
        wanted = teacher.score(ints(WORDS.index("soft")), np.array([[0]]))
    torch.testing.assert_close(texts, wanted[0], rtol=0, atol=1e-5)
    assert len({round(float(s), 4) for s in score_BC.reshape(-1)}) == 6


def test_it_reads_both_sides_and_tells_them_apart(models: PretrainedModels) -> None:
    with torch.no_grad():
        one, other, swapped = ranker(models).scores([("red", "lamp"), ("red", "cup"), ("lamp", "red")])
    assert abs(one - other) > 1e-4
    assert abs(one - swapped) > 1e-4


def test_it_learns_which_item_belongs_to_a_query(models: PretrainedModels) -> None:
    rows_B = np.arange(6, dtype=np.int64)
    items_BC = np.stack([(rows_B + shift) % 6 for shift in range(3)], 1)  # everybody's positive is another's negative
    positive_BC = torch.zeros(6, 3, dtype=torch.bool)
    positive_BC[:, 0] = True
    losses = []
    with repeatable(0, 1, torch.device("cpu")):
        teacher = CrossEncoderRanker(CONFIG, DATASET, models).train()
        optimizer = AdamW(teacher.parameters(), lr=5e-3)
        for _ in range(40):
            loss = listwise_loss(teacher.score(rows_B, items_BC), positive_BC, torch.ones_like(positive_BC))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(float(loss.detach()))
    assert losses[0] == pytest.approx(np.log(3), abs=0.2)
    assert losses[-1] < losses[0] / 3


def test_near_tokens_by_hand() -> None:
    """Query tokens (1, 0) and (0, 1); item tokens (1, 0) and (1, 1): cosines 1 and 0.7071. The last column pads."""
    state = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [1.0, 1.0], [0.0, 9.0]]]).repeat(2, 1, 1)
    token = torch.tensor([[5, 6, 7, 8, 0], [5, 6, 0, 0, 0]])
    part = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
    assert nearest_tokens(state, token, part).tolist() == pytest.approx([(1 + 0.5**0.5) / 2, -1.0])


def test_the_head_of_near_tokens_tells_items_apart_untrained_and_its_graph_does_too(
    models: PretrainedModels, tmp_path: Path
) -> None:
    teacher = ranker(models, CONFIG.model_copy(update={"head": "tokens"}))
    rows = np.arange(N, dtype=np.int64)
    with torch.no_grad():
        score_NN = teacher.score(rows, np.tile(rows, (N, 1)))
        plain_NN = ranker(models).score(rows, np.tile(rows, (N, 1)))
    own_N = torch.arange(N)
    assert (score_NN.argmax(1) == own_N).float().mean() > 0.5
    assert (plain_NN.argmax(1) == own_N).float().mean() < 0.2
    pairs = [(f"old {word}", f"{other} the big table") for word in WORDS for other in WORDS[::5]]
    assert export_cross_encoder(teacher.model, teacher.tokens(pairs), tmp_path / "reranker.onnx") <= 1e-3


def test_the_graph_gives_the_scores_also_in_int8(models: PretrainedModels, tmp_path: Path) -> None:
    teacher = ranker(models)
    with torch.no_grad():
        teacher.model.head.weight *= 50
    pairs = [(f"old {word}", f"{other} the big table") for word in WORDS for other in WORDS[::5]]
    tokens = teacher.tokens(pairs)
    path = tmp_path / "reranker.onnx"
    assert export_cross_encoder(teacher.model, tokens, path) <= 1e-4
    session = OnnxSession(path, SessionConfig())
    assert session.input_names == ("tokens", "parts")
    assert session.output_names == ("score",)
    with torch.no_grad():
        expected = teacher.scores(pairs).numpy()
    arrays = {"tokens": tokens.token_NT, "parts": tokens.part_NT}
    np.testing.assert_allclose(session.run(arrays)[0], expected, atol=1e-4)
    quantize_graph(path, tmp_path / "int8.onnx")
    answer = OnnxSession(tmp_path / "int8.onnx", SessionConfig()).run(arrays)[0]
    assert np.corrcoef(answer, expected)[0, 1] > 0.98
    with torch.no_grad():
        teacher.model.head.bias.add_(0.01)
    with pytest.raises(ExportMismatch, match=r"reranker\.onnx differs from the trained cross-encoder by 0\.01"):
        check_cross_encoder(teacher.model, tokens, path)


def test_what_cannot_be_is_refused_with_what_is_there(models: PretrainedModels) -> None:
    with pytest.raises(ConfigError, match=r"items\.csv has no text column body .* it has: item_id, title, text"):
        ranker(models, CONFIG.model_copy(update={"item_columns": ("title", "body")}))
    with pytest.raises(ConfigError, match="max_tokens = 41, but the model 'tiny' reads at most 40"):
        ranker(models, CONFIG.model_copy(update={"max_tokens": 41}))
    lists = small_dataset([(0, 0)], query_columns={"ask": [["red"]]}, item_columns={"title": ["red"], "text": ["x"]})
    with pytest.raises(ConfigError, match="column 'ask' is list.*, but a cross-encoder reads text and whole numbers"):
        CrossEncoderRanker(CONFIG, lists, models)
    bare = small_dataset([(0, 0)], item_columns={"title": ["red"], "text": ["x"]})
    with pytest.raises(ConfigError, match="has no text column ask for the cross-encoder; it has: none"):
        CrossEncoderRanker(CONFIG, bare, models)


def test_near_tokens_need_a_tokenizer_that_tells_the_texts_apart(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "alike")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    for piece in tokenizer["post_processor"]["pair"]:
        next(iter(piece.values()))["type_id"] = 0
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    models = PretrainedModels({"tiny": PretrainedConfig(path=folder)})
    ranker(models)
    with pytest.raises(ConfigError, match="does not say which tokens are the item's"):
        ranker(models, CONFIG.model_copy(update={"head": "tokens"}))


def test_a_checkpoint_gives_the_scores_back(models: PretrainedModels) -> None:
    first, second = ranker(models), ranker(models)
    with torch.no_grad():
        first.model.head.bias.add_(3)
        second.load_state_dict(first.state_dict())
        rows, items = ints(1), np.array([[1, 2]])
        assert torch.equal(first.score(rows, items), second.score(rows, items))
