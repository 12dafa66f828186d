import numpy as np
import pytest

from evaluation.errors import TooFewLabels
from evaluation.judged.annotators import NO_ANSWER, merge_answers
from evaluation.judged.pairs import FloatArray, IntArray


def answers(
    seed: int, n_tasks: int = 400, n_workers: int = 30, n_classes: int = 5
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Answers [J, I] by the model, their two classes [J, 2], shares [J] and the workers' reliability [I]."""
    random = np.random.default_rng(seed)
    pair_J2 = np.array([random.permutation(n_classes)[:2] for _ in range(n_tasks)])
    share_J = np.where(np.arange(n_tasks) < n_tasks // 2, 0.6, 0.9)
    reliability_I = random.uniform(0.2, 0.95, n_workers)
    knows_JI = random.random((n_tasks, n_workers)) < reliability_I
    first_JI = random.random((n_tasks, n_workers)) < share_J[:, None]
    known_JI = np.where(first_JI, pair_J2[:, :1], pair_J2[:, 1:])
    guess_JI = random.integers(0, n_classes, (n_tasks, n_workers))
    return np.where(knows_JI, known_JI, guess_JI), pair_J2, share_J, reliability_I


def test_the_two_answers_their_shares_and_the_workers_come_back() -> None:
    answer_JI, pair_J2, share_J, reliability_I = answers(0)
    merged = merge_answers(answer_JI, 5)
    found_J2 = np.stack([merged.first_J, merged.second_J], axis=1)
    right_J = (np.sort(found_J2, axis=1) == np.sort(pair_J2, axis=1)).all(axis=1)
    counts_JK = np.stack([(answer_JI == k).sum(axis=1) for k in range(5)], axis=1)
    plurality_J2 = np.argsort(-counts_JK, axis=1, kind="stable")[:, :2]
    plurality_J = (np.sort(plurality_J2, axis=1) == np.sort(pair_J2, axis=1)).all(axis=1)
    assert right_J.mean() > plurality_J.mean()
    for share in (0.6, 0.9):
        assert abs(merged.share_J[(share_J == share) & right_J].mean() - share) < 0.1
    assert np.corrcoef(merged.reliability_I, reliability_I)[0, 1] > 0.95


def test_the_likelihood_never_falls() -> None:
    history = merge_answers(answers(1, n_tasks=60, n_workers=8)[0], 5).log_likelihood
    assert len(history) > 1 and (np.diff(history) >= -1e-9).all()


def test_missing_answers_and_a_careless_annotator_do_little_harm() -> None:
    answer_JI, pair_J2, share_J, _ = answers(2)
    random = np.random.default_rng(3)
    answer_JI = np.where(random.random(answer_JI.shape) < 0.5, NO_ANSWER, answer_JI)
    careless_J1 = random.integers(0, 5, (len(answer_JI), 1))
    merged = merge_answers(np.concatenate([answer_JI, careless_J1], axis=1), 5)
    assert merged.reliability_I[-1] < 0.2
    clear_J = share_J == 0.9
    assert (merged.first_J == pair_J2[:, 0])[clear_J].mean() > 0.95


def test_soft_labels_difficulty_and_confusion_by_hand() -> None:
    unanimous = merge_answers(np.array([[1, 1, 1, 1], [0, 0, 0, 0]]), 3)
    assert unanimous.first_J.tolist() == [1, 0]
    np.testing.assert_allclose(unanimous.soft_labels(3), [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(unanimous.difficulty(), [0, 0])
    split = merge_answers(np.array([[0, 0, 1, 1, 0, 1]] * 4), 3)
    np.testing.assert_allclose(split.share_J, 0.5)
    np.testing.assert_allclose(split.soft_labels(3).sum(axis=1), 1)
    np.testing.assert_allclose(split.confusion(3).sum(), 2)


def test_bad_answers_are_refused() -> None:
    with pytest.raises(TooFewLabels, match="task 1 has no answer"):
        merge_answers(np.array([[0, 1], [NO_ANSWER, NO_ANSWER]]), 2)
    with pytest.raises(ValueError, match="no class"):
        merge_answers(np.array([[0, 5]]), 2)
    with pytest.raises(ValueError, match="2 or more"):
        merge_answers(np.array([[0, 0]]), 1)
