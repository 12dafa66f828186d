import numpy as np

from tests.contracts.quantizer import clustered
from training.quantizers.contract import QuantizerData
from training.quantizers.residual import ResidualConfig
from training.stability.contract import Earlier
from training.stability.measure import MeasureConfig


def test_measuring_changes_nothing_of_the_fit() -> None:
    config, data = ResidualConfig(levels=2, codebook_size=16), QuantizerData(clustered())
    earlier = Earlier("b", clustered(), np.zeros((600, 2), dtype=np.int64), None)
    measured, alone = MeasureConfig().fit(config, data, earlier, 3, 1), config.fit(data, 3, 1)
    for mine, theirs in zip(measured.codebooks, alone.codebooks, strict=True):
        np.testing.assert_array_equal(mine, theirs)
