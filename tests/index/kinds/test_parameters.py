from typing import Any

import pytest

from index.errors import InvalidSearchParams
from index.kinds.parameters import LARGEST_VALUE, check_params


def test_known_params_in_range_pass() -> None:
    check_params("x", {"nprobe": 1}, ("nprobe",))
    check_params("x", {"nprobe": LARGEST_VALUE}, ("nprobe",))
    check_params("x", {}, ())


@pytest.mark.parametrize("value", [0, -1, LARGEST_VALUE + 1, 1.5, "8", None, True])
def test_a_value_that_is_no_whole_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(InvalidSearchParams, match="nprobe"):
        check_params("x", {"nprobe": value}, ("nprobe",))


def test_the_message_says_what_the_kind_takes() -> None:
    with pytest.raises(InvalidSearchParams, match="takes nprobe"):
        check_params("ivf_flat", {"ef_search": 8}, ("nprobe",))
    with pytest.raises(InvalidSearchParams, match="takes no search parameters"):
        check_params("flat", {"ef_search": 8}, ())
