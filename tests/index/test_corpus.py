import numpy as np

from index.corpus import Corpus


def test_a_corpus_has_as_many_items_as_rows_and_may_have_no_codes() -> None:
    corpus = Corpus(np.zeros((3, 2), dtype=np.float32))
    assert len(corpus) == 3
    assert corpus.codes is None
