"""Index kinds: one file and one line in this union each."""

from typing import Annotated

from pydantic import Field

from index.kinds.cagra import CagraKind
from index.kinds.flat import FlatKind
from index.kinds.hnsw import HnswKind
from index.kinds.ivf_flat import IvfFlatKind
from index.kinds.ivf_pq import IvfPqKind
from index.kinds.ivf_rabitq import IvfRabitqKind
from index.kinds.ivf_sq8 import IvfSq8Kind
from index.kinds.semantic_prefix import SemanticPrefixKind

IndexKind = Annotated[
    FlatKind | IvfFlatKind | IvfSq8Kind | IvfPqKind | IvfRabitqKind | HnswKind | CagraKind | SemanticPrefixKind,
    Field(discriminator="kind"),
]
