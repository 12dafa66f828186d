"""Which ranked items are kept."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.mining.pick import Sampling, pick
from training.ragged import Ragged

RNG = np.random.default_rng(0)


def kept(length: int, most: int, sampling: Sampling, stride: int = 5) -> list[int]:
    return np.flatnonzero(pick(Ragged.from_rows([range(length)]), most, sampling, stride, RNG)).tolist()


def test_top_takes_the_first() -> None:
    assert kept(7, 3, "top") == [0, 1, 2]


def test_stride_walks_the_whole_list_before_it_comes_round() -> None:
    assert kept(50, 8, "stride") == [0, 5, 10, 15, 20, 25, 30, 35]
    assert kept(12, 5, "stride") == [0, 1, 5, 6, 10]  # 0 5 10, then 1 6


def test_random_takes_all_places_alike() -> None:
    count = np.bincount([place for _ in range(600) for place in kept(6, 2, "random")], minlength=6)
    assert count.sum() == 1200
    assert (abs(count - 200) < 50).all()


@given(
    st.lists(st.integers(0, 9), max_size=5),
    st.integers(1, 6),
    st.sampled_from(["top", "random", "stride"]),
    st.integers(1, 4),
)
def test_every_row_keeps_as_many_as_it_can(lengths: list[int], most: int, sampling: Sampling, stride: int) -> None:
    rows = Ragged.from_rows([range(n) for n in lengths])
    chosen = rows.select(pick(rows, most, sampling, stride, np.random.default_rng(1)))
    assert chosen.lengths.tolist() == [min(n, most) for n in lengths]
