import numpy as np
import pytest

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from index.kinds.learnt_lists import LearntLists
from tests.contracts.index_kind import clustered

LEARNT = [IvfFlatKind(), IvfSq8Kind(), IvfPqKind(), IvfRabitqKind()]


@pytest.mark.parametrize("kind", LEARNT, ids=lambda kind: kind.kind)
@pytest.mark.parametrize(("count", "nlist"), [(1, 1), (20_001, 512), (100_000, 1_024), (1_000_000, 4_096)])
def test_the_number_of_cells_is_the_power_of_two_near_four_roots(kind: LearntLists, count: int, nlist: int) -> None:
    assert kind.resolve(Corpus(np.empty((count, 1), dtype=np.float32))).nlist == nlist


@pytest.mark.parametrize("kind", LEARNT, ids=lambda kind: kind.kind)
def test_more_cells_than_items_is_a_config_error(kind: LearntLists) -> None:
    with pytest.raises(ConfigError, match="1000"):
        kind.model_copy(update={"nlist": 1_000}).resolve(Corpus(clustered(999)))


def test_cells_are_learnt_from_a_sample_that_the_seed_draws() -> None:
    vectors_ND = clustered(2_000)
    kind = IvfFlatKind(nlist=16, sample_per_list=8)
    built = [kind.build(Corpus(vectors_ND), seed) for seed in (0, 0, 1)]
    first, again, other = (index.quantizer.reconstruct_n(0, 16) for index in built)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
