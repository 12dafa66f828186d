from concurrent.futures import ThreadPoolExecutor

import faiss

from index.threads import use_one_thread, use_threads


def test_each_python_thread_is_set_to_one_by_itself() -> None:
    def look() -> tuple[int, int]:
        faiss.omp_set_num_threads(2)
        before = faiss.omp_get_max_threads()
        use_one_thread()
        return before, faiss.omp_get_max_threads()

    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(look).result() == (2, 1)


def test_a_block_of_more_threads_ends_where_it_began() -> None:
    def look() -> list[int]:
        use_one_thread()
        with use_threads(2):
            inside = faiss.omp_get_max_threads()
        after = faiss.omp_get_max_threads()
        with use_threads(3):
            use_one_thread()
            single = faiss.omp_get_max_threads()
        return [inside, after, single, faiss.omp_get_max_threads()]

    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(look).result() == [2, 1, 1, 1]
