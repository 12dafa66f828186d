"""Settings of the training loop."""

from typing import Literal

from pydantic import Field

from bundle.config import Config


class TrainerConfig(Config):
    """How long, how fast and where a model is trained."""

    epochs: int = Field(default=10, ge=1, description="Most passes over the examples.")
    batch_size: int = Field(default=1024, ge=2, description="Examples a step.")
    learning_rate: float = Field(default=5e-3, gt=0, description="Step size of AdamW.")
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
