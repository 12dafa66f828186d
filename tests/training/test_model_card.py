import re

from tests.training.conftest import Trained


def test_the_card_names_inputs_data_metrics_and_limits(trained: Trained) -> None:
    card = (trained.folder / "model_card.md").read_text()
    assert card.startswith("# shop\n")
    for line in (
        "| `history` | sequence | no |",
        "| `title` | text | yes |",
        "| test interactions | 40 |",
        "8 x 8 codes",
        "the vocabulary `item_id` and the text weights of items see the whole catalogue, but no interaction",
    ):
        assert line in card
    assert "| metric | model | popularity | item-knn |" in card
    assert "| times trained | items | relevant | model | popularity | item-knn |" in card
    assert re.search(r"Pooled AUC of positives against each query's hardest negatives 0\.\d{4}", card)
    assert "chosen on every other test query" in card
    assert "## Limits" in card
