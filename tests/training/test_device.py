import pytest
import torch

from bundle.errors import ProviderUnavailable
from training.device import open_device, repeatable

CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_cuda_is_an_error_that_says_why() -> None:
    with pytest.raises(ProviderUnavailable, match=r"without CUDA|no usable GPU"):
        open_device("cuda")


def test_equal_seeds_give_equal_numbers_and_the_callers_state_comes_back() -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    drawn = []
    for seed in (3, 3, 4):
        with repeatable(seed, 1, CPU):
            drawn.append(torch.randn(4))
            assert torch.are_deterministic_algorithms_enabled()
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
