from index.hubness.config import HubnessConfig
from index.hubness.fit import fit_bias
from index.hubness.report import hubness_note
from tests.index.hubness.hubs import shifted


def test_the_note_warns_where_few_queries_were_counted() -> None:
    many, few = shifted(n_items=60, n_queries=100), shifted(n_items=300, n_queries=100)
    notes = [
        hubness_note(fit_bias(task.items_ND, task.asking(False), HubnessConfig(), "cosine", 0).report)
        for task in (many, few)
    ]
    assert "first 10 hits of 50 held-back queries, records of the query table" in notes[0]
    assert "20 and 5, not tuned" in notes[0]
    assert ["compare the rows only with each other" in note for note in notes] == [False, True]
