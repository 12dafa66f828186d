import pytest

from training.errors import BadData
from training.quantizers.limits import check_items, check_key


def test_as_many_items_as_codes_are_enough() -> None:
    check_items(16, 16, 16)
    with pytest.raises(BadData, match="15 items cannot train 16 codes a level.*at most 8"):
        check_items(15, 16, 8)


def test_a_key_holds_64_bits() -> None:
    check_key([256] * 8)
    with pytest.raises(ValueError, match="more semantic IDs than 64 bits"):
        check_key([256] * 7 + [257])
