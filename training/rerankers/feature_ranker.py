"""The feature ranker, trained on what towers find for queries that they have not learnt from, and exported.

Axes: Q queries, N items, K items of one query.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt

from bundle.features import CategoryFeature, vocabulary_name
from bundle.rerankers.feature_ranker import FILE, ITEMS_FILE, FeatureRankerSpec
from bundle.rerankers.item_statistics import ItemStatistics, KnownItems
from bundle.rerankers.pair_features import ItemAttribute, ItemSide, PairArrays
from bundle.vocabulary import Vocabulary
from training.click_models.learner import learn_from_clicks
from training.dataset import Dataset
from training.errors import BadData
from training.finding import Finding
from training.fit_features import fit_item_features
from training.ragged import FloatArray, IntArray
from training.records import encode_items
from training.rerankers.clicked_lists import FeatureClicksConfig, clicked_pairs, known_clicks
from training.rerankers.contract import AskedPart, BundleParts, ListScore, RerankerData, TrainedReranker
from training.rerankers.feature_lists import FeatureLists, PartFeatures
from training.rerankers.feature_network import FeatureNetwork, export_network
from training.rerankers.list_learner import ListLearner, ListSteps
from training.rerankers.listwise import ListwiseConfig
from training.rerankers.listwise.lambdarank import LambdaRankConfig

_PREFIX = "feature_ranker_"
_LISTS_COMPARED, _PAIRS_COMPARED = 8, 256


class FeatureRankerConfig(ListSteps):
    """A small network over features of a query and an item, which learns to order what the towers find.

    It learns from the validation part: from queries that the towers, as they were trained on the training part alone,
    have never seen. A share of these queries decides when to stop. Or it learns from a click log, of lists that were
    shown after the training part.
    """

    kind: Literal["feature_ranker"] = "feature_ranker"
    depth: int = Field(default=200, ge=2, description="Items that the towers find for each query, to be ordered.")
    item: tuple[ItemAttribute, ...] = Field(
        default=(),
        description="Number and category columns of the items table that it reads, whatever the towers read.",
    )
    history_length: int = Field(default=30, ge=1, description="Items read from the end of a query's history.")
    recent_days: int = Field(default=28, ge=1, description="Days before the newest interaction that count as recent.")
    hidden: tuple[PositiveInt, ...] = Field(default=(32, 32), description="Widths of the layers.")
    dropout: float = Field(default=0.1, ge=0, lt=1, description="Share of each layer's values left out while learning.")
    clicks: FeatureClicksConfig | None = Field(
        default=None,
        description="A click log that it learns from in the place of the validation part's interactions; `epochs`, "
        "`objective`, `stopping_share` and what else says how those are learnt from are then not read.",
    )
    objective: ListwiseConfig = Field(default_factory=LambdaRankConfig, description="Loss over a list.")
    stopping_share: float = Field(
        default=0.25, gt=0, lt=1, description="Share of the validation queries that only decide when to stop."
    )
    queries: int = Field(default=20_000, ge=2, description="Validation queries, at most, that it learns from.")
    test_queries: int = Field(default=5_000, ge=1, description="Test queries, at most, that it is measured on.")

    def check(self, *, queries_are_items: bool) -> None:
        """ValueError where queries are items, or an item column stands twice."""
        if queries_are_items:
            raise ValueError(
                "rerankers.feature_ranker reads what a query had before, but data.pairs makes items the queries; leave "
                "the section out"
            )
        names = [feature.name for feature in self.item]
        if len(set(names)) < len(names):
            raise ValueError(f"rerankers.feature_ranker.item names a column twice: {', '.join(sorted(names))}")

    def fit(self, data: RerankerData) -> TrainedReranker:
        """Train on the held-out part, or on the click log.

        Raises BadData where too few of its queries can be learned from, and as `fit_item_features` for its columns;
        Diverged as `ListLearner.learn`; as `known_clicks` and `learn_from_clicks` for the log.
        """
        return self._of_interactions(data) if self.clicks is None else self._of_clicks(data, self.clicks)

    def _of_interactions(self, data: RerankerData) -> TrainedReranker:
        part = data.held_out()
        rng = np.random.default_rng(data.context.seed)
        columns = _Columns.fit(self, data, part)
        lists = columns.of_part(part).lists(self.depth, self.queries, exclude_seen=data.exclude_seen, rng=rng)
        order = rng.permutation(len(lists))
        n_stopping = int(np.ceil(self.stopping_share * len(lists)))
        if n_stopping >= len(lists):
            raise BadData(
                f"the validation part has {len(lists)} queries for the feature ranker to learn from, fewer than it "
                "needs; give the split a larger validation part, or leave out rerankers.feature_ranker"
            )
        stopping, learnt = lists.take(np.sort(order[:n_stopping])), lists.take(np.sort(order[n_stopping:]))
        network = FeatureNetwork(
            learnt.feature_QKF[learnt.mask_QK], columns.category_sizes(), self.hidden, self.dropout
        )
        ListLearner(network, self.objective, self, data.context.progress).learn(learnt, stopping, rng)
        return _Trained(columns, network, _example(stopping))

    def _of_clicks(self, data: RerankerData, config: FeatureClicksConfig) -> TrainedReranker:
        rng, progress = np.random.default_rng(data.context.seed), data.context.progress
        clicks = known_clicks(data.base / config.log, data.context.dataset)
        part = data.as_held_out(clicks.query_Q)
        columns = _Columns.fit(self, data, part)
        pairs = clicked_pairs(columns.of_part(part), clicks, self.depth, exclude_seen=data.exclude_seen)
        network = FeatureNetwork(pairs.feature_MF, columns.category_sizes(), self.hidden, self.dropout)
        learnt = learn_from_clicks(network, clicks.log, [pairs.feature_MF, pairs.category_MC], config, progress, rng)
        progress.start("feature ranker", None)
        progress.note(f"{learnt.clicks:,} clicks, worth {learnt.effective_clicks:,.0f} of equal weight")
        progress.finish()
        example = PairArrays(pairs.feature_MF[:_PAIRS_COMPARED], pairs.category_MC[:_PAIRS_COMPARED])
        return _Trained(columns, network, example, (*clicks.findings(), *learnt.findings))


@dataclass(frozen=True)
class _Columns:
    """What the features are made of: columns with their vocabularies and statistics, the catalogue, the spec."""

    dataset: Dataset
    spec: FeatureRankerSpec
    vocabularies: Mapping[str, Vocabulary]
    recent_days: int
    served_N: IntArray

    @classmethod
    def fit(cls, config: FeatureRankerConfig, data: RerankerData, part: AskedPart) -> "_Columns":
        """Vocabularies and statistics from the interactions before the part alone."""
        dataset = data.context.dataset
        item = [_with_own_vocabulary(feature) for feature in config.item]
        vocabularies, statistics = fit_item_features(item, dataset, part.before_N)
        times_N = dataset.interactions.timestamp_N
        as_of = None if times_N is None else int(times_N[data.served_N].max())
        spec = FeatureRankerSpec(
            item=tuple(item),
            history_field=data.history_feature,
            history_length=config.history_length,
            has_times=times_N is not None,
            levels=part.item_code_NL.shape[1],
            reads_repeats=not data.exclude_seen,
            depth=config.depth,
            statistics=statistics,
            as_of=None if as_of is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=as_of),
        )
        return cls(dataset, spec, vocabularies, config.recent_days, data.served_N)

    def category_sizes(self) -> list[int]:
        """Rows of every category, in order."""
        names = [vocabulary_name(one) for one in self.spec.item if isinstance(one, CategoryFeature)]
        return [self.vocabularies[name].size for name in names]

    def known(self, rows_N: IntArray) -> ItemStatistics:
        """What these interactions say of every item."""
        interactions = self.dataset.interactions
        times_N = interactions.timestamp_N
        return ItemStatistics.of(
            interactions.item_N[rows_N],
            None if times_N is None else times_N[rows_N],
            len(self.dataset.items),
            self.recent_days,
        )

    def of_part(self, part: AskedPart) -> PartFeatures:
        """The features of a part: nothing in them is later than what is before it."""
        features = self.spec.features(self.vocabularies)
        encoded = encode_items(self.dataset, features.item_featurizer).batch() if self.spec.item else {}
        number_NS, category_NC = features.item_arrays(self.known(part.before_N), encoded)
        return PartFeatures(part, features, ItemSide(part.item_ND, number_NS, category_NC, part.item_code_NL))

    def served(self) -> KnownItems:
        """The statistics for the bundle."""
        return KnownItems(self.dataset.items.item_ids, self.known(self.served_N))


@dataclass(frozen=True)
class _Trained:
    """Implements TrainedReranker; `example`: features that torch and the graph are compared on."""

    columns: _Columns
    network: FeatureNetwork
    example: PairArrays
    findings: tuple[Finding, ...] = ()

    @property
    def parts(self) -> BundleParts:
        """What it reads, and the vocabularies of its columns."""
        return BundleParts(self.columns.spec, vocabularies=self.columns.vocabularies)

    def scorer(self, part: AskedPart) -> ListScore:
        """Scores by the features of the part's queries."""
        features = self.columns.of_part(part)

        def score(place: int, item_K: IntArray) -> FloatArray:
            with torch.no_grad():
                score_K: FloatArray = self.network(*self.network.arrays(features.pairs(place, item_K))).numpy()
            return score_K

        return score

    def export(self, folder: Path) -> None:
        """Write the graph, compare it, and write the statistics of the items."""
        export_network(self.network, self.example, folder / FILE)
        self.columns.served().write(folder / ITEMS_FILE)


def _with_own_vocabulary(feature: ItemAttribute) -> ItemAttribute:
    """A category whose vocabulary has a name that no feature of the towers has."""
    if not isinstance(feature, CategoryFeature):
        return feature
    return feature.model_copy(update={"vocabulary": f"{_PREFIX}{vocabulary_name(feature)}"})


def _example(lists: FeatureLists) -> PairArrays:
    first = lists.take(np.arange(min(_LISTS_COMPARED, len(lists))))
    return PairArrays(first.feature_QKF[first.mask_QK], first.category_QKC[first.mask_QK])
