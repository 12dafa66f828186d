from pathlib import Path

import faiss
import numpy as np
import pytest
from pydantic import ValidationError

from bundle.errors import ConfigError
from index.corpus import Corpus
from index.device import CpuIndex
from index.errors import DeviceUnavailable, InvalidSearchParams
from index.kinds.cagra import LEAST_ITEMS, CagraKind
from index.searcher import RowSearcher
from tests.contracts.index_kind import N_ITEMS, clustered, exact

HAS_CUVS = hasattr(faiss, "GpuIndexCagra") and faiss.get_num_gpus() > 0


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a graph in the CPU form, linked on the CPU: what stands in for a graph that a GPU copied there."""
    index = CagraKind().empty(clustered(1).shape[1])
    index.base_level_only = False
    index.add(clustered(N_ITEMS))
    index.base_level_only = True
    path = tmp_path_factory.mktemp("index") / "index.faiss"
    faiss.write_index(index, str(path))
    return path


def test_the_cpu_form_is_mapped_and_searched_like_any_index(linked: Path) -> None:
    index = faiss.read_index(str(linked), faiss.IO_FLAG_MMAP_IFC)
    assert (type(index), index.base_level_only) == (faiss.IndexHNSWCagra, True)
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(50, seed=1)
    scores_BK, rows_BK = RowSearcher(CpuIndex(index), CagraKind(), vectors_ND).search(query_BD, 10, {"ef_search": 128})
    truth = exact(query_BD, vectors_ND, 10)
    shared = [len(set(found) & set(best)) for found, best in zip(rows_BK.tolist(), truth.tolist(), strict=True)]
    assert np.mean(shared) / 10 > 0.9
    np.testing.assert_allclose(scores_BK, np.einsum("bd,bkd->bk", query_BD, vectors_ND[rows_BK]), atol=1e-5)


def test_the_bytes_of_an_item_are_those_of_the_file(linked: Path) -> None:
    told = CagraKind().bytes_per_item(clustered(1).shape[1])
    assert linked.stat().st_size / N_ITEMS == pytest.approx(told, rel=0.15)  # the stand-in has upper layers too


@pytest.mark.skipif(HAS_CUVS, reason="there is a GPU with cuVS")
def test_without_a_gpu_the_build_says_what_it_lacks_and_what_to_do() -> None:
    with pytest.raises(DeviceUnavailable, match=r"has no cuVS|sees no GPU") as caught:
        CagraKind().build(Corpus(clustered(LEAST_ITEMS)), 0)
    assert "choose kind hnsw" in caught.value.message


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUVS, reason="no CUDA device with a faiss that has cuVS")
def test_a_graph_linked_on_a_gpu_finds_the_nearest_on_the_cpu() -> None:
    vectors_ND, query_BD = clustered(N_ITEMS), clustered(50, seed=1)
    index = CagraKind().build(Corpus(vectors_ND), 0)
    _, rows_BK = RowSearcher(CpuIndex(index), CagraKind(), vectors_ND).search(query_BD, 10)
    truth = exact(query_BD, vectors_ND, 10)
    shared = [len(set(found) & set(best)) for found, best in zip(rows_BK.tolist(), truth.tolist(), strict=True)]
    assert np.mean(shared) / 10 > 0.9


def test_a_small_catalogue_is_sent_to_the_exact_kind() -> None:
    with pytest.raises(ConfigError, match="or more, but"):
        CagraKind().resolve(Corpus(clustered(LEAST_ITEMS - 1)))


def test_a_graph_is_pruned_to_fewer_links_not_to_more() -> None:
    with pytest.raises(ConfigError, match="at least as many links"):
        CagraKind(graph_degree=64, intermediate_graph_degree=32).resolve(Corpus(clustered(LEAST_ITEMS)))
    with pytest.raises(ValidationError, match="multiple of 2"):
        CagraKind(graph_degree=33)


def test_it_takes_the_parameters_of_a_graph() -> None:
    with pytest.raises(InvalidSearchParams, match="takes ef_search"):
        CagraKind().parameters({"nprobe": 4})
