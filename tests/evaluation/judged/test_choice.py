import numpy as np

from evaluation.judged.choice import ChoiceConfig, choose_pairs, disagreement

NOTHING = np.zeros(4, dtype=bool)
SAME = np.ones((4, 2))


def test_unsure_pairs_come_first_and_labelled_ones_never() -> None:
    only = ChoiceConfig(uncertainty=1, novelty=0, diversity=0)
    unsure_N = np.array([0.1, 0.9, 0.5, 0.7])
    assert choose_pairs(unsure_N, SAME, NOTHING, 2, only).tolist() == [1, 3]
    labelled_N = np.array([False, True, False, False])
    assert choose_pairs(unsure_N, SAME, labelled_N, 9, only).tolist() == [3, 2, 0]


def test_what_resembles_a_label_waits() -> None:
    embedding_ND = np.array([[1.0, 0], [1, 0.01], [0, 1], [-1, 0]])
    labelled_N = np.array([True, False, False, False])
    only = ChoiceConfig(uncertainty=0, novelty=1, diversity=0)
    assert choose_pairs(np.zeros(4), embedding_ND, labelled_N, 3, only).tolist() == [3, 2, 1]


def test_a_choice_does_not_repeat_itself() -> None:
    embedding_ND = np.array([[1.0, 0], [1, 0.001], [-1, 0], [0, 1]])
    unsure_N = np.array([1.0, 0.99, 0.6, 0.5])
    plain = choose_pairs(unsure_N, embedding_ND, NOTHING, 2, ChoiceConfig(novelty=0, diversity=0))
    diverse = choose_pairs(unsure_N, embedding_ND, NOTHING, 2, ChoiceConfig(novelty=0, diversity=2))
    assert plain.tolist() == [0, 1] and diverse.tolist() == [0, 2]


def test_disagreement_is_the_spread_of_the_votes_that_were_given() -> None:
    nan = np.nan
    np.testing.assert_allclose(
        disagreement(np.array([[0.0, 1, nan], [1, 1, 1], [nan, nan, 2], [nan] * 3])), [0.5, 0, 0, 0]
    )
