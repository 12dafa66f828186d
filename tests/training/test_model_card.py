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
    assert "## Limits" in card
