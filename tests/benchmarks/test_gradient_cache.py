from benchmarks.gradient_cache import Shape, compare_memory


def test_a_batch_of_2048_by_the_gradient_cache_takes_less_than_40_percent_of_the_memory() -> None:
    use = compare_memory(Shape(batch=2048, chunk=64, tokens=8, width=64, layers=1))
    assert use.direct > 100 * 2**20  # or the towers are too small to tell
    assert use.ratio < 0.4
