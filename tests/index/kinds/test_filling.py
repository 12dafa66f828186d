import faiss
import numpy as np

from index.kinds.filling import ROWS_AT_A_TIME, add_rows


def test_rows_keep_their_order_across_portions() -> None:
    count = ROWS_AT_A_TIME + 3
    vectors_ND = np.arange(count, dtype=np.float32)[:, None] * np.ones((1, 2), dtype=np.float32)
    index = faiss.IndexFlatIP(2)
    add_rows(index, vectors_ND)
    assert index.ntotal == count
    np.testing.assert_array_equal(index.reconstruct_n(ROWS_AT_A_TIME - 1, 4), vectors_ND[ROWS_AT_A_TIME - 1 :])
