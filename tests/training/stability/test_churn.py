import numpy as np
import pytest

from training.stability.churn import Churn, churn
from training.stability.contract import Earlier


def test_a_changed_code_changes_every_longer_prefix() -> None:
    old_NL = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    new_NL = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert churn(old_NL, new_NL) == (0.25, 0.5, 0.75)


def test_towers_of_other_widths_have_codes_to_compare_but_no_space() -> None:
    old_ND, code_NL = np.eye(3, dtype=np.float32), np.zeros((3, 2), dtype=np.int64)
    found = Churn.of(Earlier("b", old_ND, code_NL, None), np.ones((3, 5), dtype=np.float32), code_NL)
    assert found.metrics() == {"churn@1": 0, "churn@2": 0}
    turned = Churn.of(Earlier("b", old_ND, code_NL, None), old_ND[:, ::-1].copy(), code_NL)
    assert turned.metrics()["space_residual"] == pytest.approx(0, abs=1e-6)
