"""Fit from scratch, and only measure how many codes change."""

from typing import Literal

from training.quantizers import QuantizerConfig
from training.quantizers.contract import Quantizer, QuantizerData
from training.stability.contract import Earlier, EarlierBundle


class MeasureConfig(EarlierBundle):
    """Nothing is kept: codes are named by chance, so nearly all of them change. The baseline of the other modes."""

    mode: Literal["measure"] = "measure"

    def check(self, config: QuantizerConfig) -> None:
        """Every kind can be measured."""

    def fit(self, config: QuantizerConfig, data: QuantizerData, earlier: Earlier, seed: int, threads: int) -> Quantizer:
        """What the quantizer learns without an earlier bundle; raises BadData when there are too few items."""
        return config.fit(data, seed, threads)
