"""Settings of the training loop."""

from typing import Literal

from pydantic import Field

from bundle.config import Config
from training.memory import MemoryConfig


class TrainerConfig(Config):
    """How long, how fast and where a model is trained."""

    epochs: int = Field(
        default=10,
        ge=0,
        description="Most passes over the examples. 0 trains nothing: the first weights, such as those of a pretrained "
        "model, are measured and written as they are.",
    )
    batch_size: int = Field(default=1024, ge=2, description="Examples a step.")
    chunk_size: int | None = Field(
        default=None,
        ge=1,
        description="Records that a tower encodes at a time. Gradients are the same, memory is that of one chunk, and "
        "encoding is done twice; all at once if unset.",
    )
    memory: MemoryConfig | None = Field(
        default=None, description="Items of earlier batches as further negatives; none if unset."
    )
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32",
        description="'bf16' lets the towers compute in bfloat16 while they train; weights, losses and what is exported "
        "stay in float32.",
    )
    learning_rate: float = Field(default=5e-3, gt=0, description="Step size of AdamW.")
    pretrained_learning_rate: float = Field(
        default=5e-5, gt=0, description="Step size of AdamW for the weights of pretrained models."
    )
    warmup: float = Field(
        default=0.0, ge=0, lt=1, description="Share of all steps over which the learning rates rise from 0."
    )
    weight_decay: float = Field(default=0.0, ge=0, description="Decoupled weight decay of AdamW.")
    schedule: Literal["constant", "linear"] = Field(
        default="constant", description="'linear' lets the learning rate fall to 0 over `epochs`."
    )
    clip_norm: float | None = Field(default=None, gt=0, description="Largest gradient norm; unlimited if unset.")
    metric: str = Field(default="ndcg@10", description="Validation metric that picks the epoch; larger is better.")
    patience: int = Field(default=3, ge=1, description="Epochs without a better metric before training stops.")
    refit: Literal["none", "validation"] = Field(
        default="none",
        description="'validation' trains anew on train and validation together, for the epochs that validation picked.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of weights, order, negatives and codebooks.")
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="Where the towers train; never changed silently.")
    threads: int = Field(default=1, ge=1, description="CPU threads of one operator.")

    @property
    def most_at_once(self) -> int:
        """Records that a tower encodes at a time while it trains, so what is known to fit."""
        return self.chunk_size or self.batch_size
