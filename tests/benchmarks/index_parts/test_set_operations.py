import numpy as np
import pytest

from benchmarks.index_parts import set_operations
from benchmarks.index_parts.set_operations import Tagged, kept_tags, learned, measured, wanted, words


@pytest.fixture
def tagged() -> Tagged:
    """Tags are axes, and a package is the sum of its tags."""
    rng = np.random.default_rng(0)
    has_NT = rng.random((400, 4)) < 0.4
    has_NT[:, 0] |= ~has_NT.any(axis=1)
    vectors = has_NT + 0.05 * rng.normal(size=(400, 4))
    package_ND = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Tagged(package_ND, np.eye(4, dtype=np.float32), has_NT, ["x", "x", "y", "z"])


def test_pairs_are_of_two_facets_and_want_what_the_operation_says(tagged: Tagged) -> None:
    found = list(wanted(tagged))
    assert {(a, b) for operation, a, b, _ in found if operation == "all-of"} == {(0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}
    assert sum(operation == "none-of" for operation, *_ in found) == 10
    for operation, a, b, is_wanted_N in found:
        has_a, has_b = tagged.has_NT[:, a], tagged.has_NT[:, b]
        expected = {"all-of": has_a & has_b, "any-of": has_a | has_b, "none-of": has_a & ~has_b}[operation]
        assert is_wanted_N.tolist() == expected.tolist()


def test_pairs_with_little_to_find_are_left_out(tagged: Tagged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_operations, "LEAST_RELEVANT", 401)
    assert list(wanted(tagged)) == []


def test_where_tags_are_axes_the_operators_are_right(tagged: Tagged) -> None:
    found = measured(tagged)
    assert set(found) == {"examples", "average", "first-alone", "random"}
    for operation in ("all-of", "any-of", "none-of"):
        assert found["examples"][f"precision@10 {operation}"] > 0.95
        assert found["random"][f"precision@10 {operation}"] < 0.75
    assert found["first-alone"]["precision@10 all-of"] < 0.6


def test_learned_tags_point_at_packages_of_the_other_half(tagged: Tagged) -> None:
    made = learned(tagged, 0)
    assert len(made.package_ND) == 200
    np.testing.assert_allclose(np.linalg.norm(made.tag_TD, axis=1), 1, atol=1e-6)
    assert (
        measured(made)["first-alone"]["precision@10 none-of"] > measured(made)["random"]["precision@10 none-of"] + 0.2
    )


def test_tags_are_read_as_words() -> None:
    assert words("works-with::image:raster") == "works with image raster"
    assert kept_tags(["role::program", "use::TODO", "game::puzzle"]) == {"game::puzzle"}
