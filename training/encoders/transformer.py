"""Text encoder: a pretrained transformer over word pieces, pooled and projected.

Axes: B records, T tokens of the longest text, H width of the transformer, D embedding.
"""

import copy
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bundle.errors import ConfigError
from training.pretrained import WEIGHTS, PretrainedFolder


class Backbone(nn.Module):
    """The pretrained part: shifted token ids to states.

    `pretrained` tells the loop that these weights are trained at `trainer.pretrained_learning_rate`.
    """

    pretrained: ClassVar[bool] = True

    def __init__(self, model: nn.Module, *, freeze: bool) -> None:
        super().__init__()
        self.model = model
        self.frozen = freeze
        settings: Any = model.config
        self.width = int(settings.hidden_size)
        self._padding = int(getattr(settings, "pad_token_id", None) or 0)
        self._reads_parts = "token_type_ids" in inspect.signature(model.forward).parameters
        self._parts = int(getattr(settings, "type_vocab_size", 1) or 1)
        if freeze:
            self.requires_grad_(False)

    def train(self, mode: bool = True) -> "Backbone":
        """Switch dropout on or off; a frozen backbone always answers as in evaluation."""
        return super().train(mode and not self.frozen)

    def prepare_export(self) -> None:
        """Compute attention by plain products: fewer ONNX operators than the fused kernel, and equal values."""
        model: Any = self.model
        model.set_attn_implementation("eager")

    def forward(self, token_BT: Tensor, part_BT: Tensor | None = None) -> Tensor:
        """Ids + 1, 0 pads, and for pairs whose they are (0 or 1), int64 [B, T] -> states float32 [B, T, H]."""
        filled_BT = token_BT > 0
        # The first place always counts, so that no softmax of an empty text runs over nothing.
        first_T = torch.arange(token_BT.shape[1], device=token_BT.device) == 0
        arguments = {
            "input_ids": torch.where(filled_BT, token_BT - 1, self._padding),
            "attention_mask": (filled_BT | first_T).to(torch.int64),
        }
        if self._reads_parts and part_BT is not None:
            arguments["token_type_ids"] = part_BT.clamp_max(self._parts - 1)
        state_BTH: Tensor = self.model(**arguments).last_hidden_state
        return state_BTH.float()


class TransformerEncoder(nn.Module):
    """Pooled states, projected without a bias; zeros for no text."""

    def __init__(self, backbone: Backbone, pooling: str, projection: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.projection = projection

    @property
    def keeps_scale(self) -> bool:
        """Whether the pretrained embedding comes out untouched, so that nothing else should disturb it at first."""
        return isinstance(self.projection, nn.Identity)

    def sibling(self) -> "TransformerEncoder":
        """An encoder with the same backbone, whose projection begins as this one's and then learns by itself."""
        return TransformerEncoder(self.backbone, self.pooling, copy.deepcopy(self.projection))

    def forward(self, token_BT: Tensor) -> Tensor:
        """int64 [B, T] ids + 1, 0 pads -> float32 [B, D]."""
        encoded_BD: Tensor = self.projection(pool(self.backbone(token_BT), token_BT, self.pooling))
        return encoded_BD


def pool(state_BTH: Tensor, token_BT: Tensor, pooling: str) -> Tensor:
    """States of a text to one row float32 [B, H]: their mean over the tokens, or the first; zeros without tokens."""
    filled_BT = (token_BT > 0).float()
    if pooling == "first":
        return state_BTH[:, 0] * filled_BT[:, :1]
    share_BT = filled_BT / filled_BT.sum(1, keepdim=True).clamp_min(1.0)
    return (share_BT[:, None, :] @ state_BTH)[:, 0]


def build_transformer(folder: PretrainedFolder, dimension: int) -> TransformerEncoder:
    """A fresh encoder of width `dimension`. Raises ConfigError when the model cannot be loaded or has another width.

    The projection begins orthogonal: it keeps the pretrained similarities, as nearly as the width allows.
    """
    backbone = load_backbone(folder)
    if folder.config.projection == "linear":
        linear = nn.Linear(backbone.width, dimension, bias=False)
        nn.init.orthogonal_(linear.weight)
        projection: nn.Module = linear
    elif backbone.width == dimension:
        projection = nn.Identity()
    else:
        raise ConfigError(
            f"pretrained.{folder.name}.projection = 'none' gives {backbone.width} numbers, but dimension is "
            f"{dimension}; set dimension = {backbone.width}, or projection = 'linear'"
        )
    return TransformerEncoder(backbone, folder.config.pooling, projection)


def load_backbone(folder: PretrainedFolder) -> Backbone:
    """The model's weights in float32; code in the folder is never run.

    Raises ConfigError when the extra is missing, the files do not fit, or the model needs code of its own.
    """
    folder.check_no_code()
    # Nobody asks a hub for anything: the folder is local, and what the library might want besides is refused.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import transformers
    except ImportError as error:
        raise ConfigError(
            "a 'tokens' feature needs the package transformers; install it with: pip install tandem-retrieval[text]"
        ) from error
    with _silent(transformers):
        try:
            model, report = _read(transformers, folder)
        except Exception as error:  # the library raises whatever its parts raise
            raise ConfigError(
                f"{folder.path} cannot be loaded as a text model: {error}", path=str(folder.path)
            ) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        raise ConfigError(f"{folder.path / WEIGHTS} lacks weights of its own model: {', '.join(missing[:5])}")
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # a head of another task: it would never get a gradient
    return Backbone(model, freeze=folder.config.freeze)


def _read(transformers: Any, folder: PretrainedFolder) -> tuple[Any, dict[str, Any]]:
    """The library's model, and what it says of the weights that it read."""
    local = {"local_files_only": True, "trust_remote_code": False}
    settings = transformers.AutoConfig.from_pretrained(folder.path, **local)
    for name, value in settings.to_dict().items():
        if "dropout" in name and isinstance(value, int | float):
            setattr(settings, name, folder.config.dropout)
    model, report = transformers.AutoModel.from_pretrained(
        folder.path,
        config=settings,
        use_safetensors=True,
        dtype=torch.float32,
        attn_implementation="sdpa",
        output_loading_info=True,
        **local,
    )
    return model, report


@contextmanager
def _silent(transformers: Any) -> Iterator[None]:
    """Within the block the library draws no bars and tells only errors."""
    log = transformers.utils.logging
    verbosity, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        if bars:
            log.enable_progress_bar()
