import torch

from benchmarks.index_parts.late_interaction import most_similar_tokens


def test_every_query_token_counts_its_most_similar_real_item_token() -> None:
    query_TD = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    item_NTD = torch.tensor([[[0.6, 0.8], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]])
    real_NT = torch.tensor([[True, True], [True, False]])
    scores_N = most_similar_tokens(query_TD, item_NTD, real_NT)
    torch.testing.assert_close(scores_N, torch.tensor([(1 + 0.8) / 2, (0 + 1) / 2]))
