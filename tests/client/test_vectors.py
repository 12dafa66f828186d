import base64

import numpy as np
import pytest

from client.vectors import from_base64, to_base64


def test_there_and_back() -> None:
    vector_BD = np.array([[1.5, -2, 0], [3e-8, 1e30, 7]], dtype=np.float32)
    texts = to_base64(vector_BD)
    assert base64.b64decode(texts[0]) == b"\x00\x00\xc0?\x00\x00\x00\xc0\x00\x00\x00\x00"  # little-endian float32
    back_BD = from_base64(texts, 3)
    np.testing.assert_array_equal(back_BD, vector_BD)
    assert back_BD.dtype == np.float32 and back_BD.flags.writeable
    assert to_base64(vector_BD.astype(np.float64).tolist()) == texts
    assert to_base64(vector_BD.astype(">f4")) == texts


def test_a_single_vector_is_no_list_of_vectors() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        to_base64(np.zeros(3))
