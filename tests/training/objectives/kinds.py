"""One line for each kind of objective: examples for the contract, and where a property does not hold, why."""

from training.objectives import ObjectiveConfig
from training.objectives.adaptive_heads import AdaptiveHeadsConfig
from training.objectives.adversarial import AdversarialConfig
from training.objectives.comic import ComicConfig
from training.objectives.conr import ConRConfig
from training.objectives.decoupled_softmax import DecoupledSoftmaxConfig
from training.objectives.distill_kl import DistillKLConfig
from training.objectives.graded_kl import GradedKLConfig
from training.objectives.hardest_triplet import HardestTripletConfig
from training.objectives.heads import HeadsConfig
from training.objectives.logit_distillation import LogitDistillationConfig
from training.objectives.mann_whitney import MannWhitneyConfig
from training.objectives.margin_mse import MarginMSEConfig
from training.objectives.matryoshka import MatryoshkaConfig
from training.objectives.mlcd import MLCDConfig
from training.objectives.positive_unlabelled import PositiveUnlabelledConfig
from training.objectives.sgns import SGNSConfig
from training.objectives.soft_top_k import SoftTopKConfig
from training.objectives.softmax import SoftmaxConfig
from training.objectives.supremix import SupReMixConfig
from training.objectives.triplet_alignment import TripletAlignmentConfig
from training.objectives.weighted_sum import Term, WeightedSumConfig

EXAMPLES: list[ObjectiveConfig] = [
    *(SoftmaxConfig(logq=logq) for logq in ("none", "classic", "corrected")),
    *(DecoupledSoftmaxConfig(logq=logq) for logq in ("none", "classic", "corrected")),
    DecoupledSoftmaxConfig(grade_weights=True),
    SoftTopKConfig(k=2),
    SoftTopKConfig(k="targets"),
    MannWhitneyConfig(temperature=0.1),
    MannWhitneyConfig(temperature=0.1, reduction="paper"),
    TripletAlignmentConfig(),
    HardestTripletConfig(),
    MLCDConfig(),
    PositiveUnlabelledConfig(),
    PositiveUnlabelledConfig(gamma=0.5),
    AdaptiveHeadsConfig(),
    GradedKLConfig(temperature=0.1),
    MarginMSEConfig(),
    DistillKLConfig(temperature=0.1),
    LogitDistillationConfig(),
    AdversarialConfig(),
    SupReMixConfig(),
    ConRConfig(),
    ComicConfig(),
    SGNSConfig(),
    WeightedSumConfig(
        terms=(
            Term(objective=DecoupledSoftmaxConfig()),
            Term(objective=MannWhitneyConfig(temperature=0.1), weight=0.3),
        )
    ),
    MatryoshkaConfig(dims=(4, 2), objective=DecoupledSoftmaxConfig()),
    HeadsConfig(first=DecoupledSoftmaxConfig(), second=MLCDConfig()),
]

# What a constant added to all scores of one query does to the loss.
SHIFT_INVARIANT = {
    "softmax",
    "decoupled_softmax",
    "soft_top_k",
    "graded_kl",
    "distill_kl",
    "margin_mse",
    "adversarial",
}
SHIFT_SEEN = {
    "mann_whitney": "compares scores of different queries",
    "triplet_alignment": "from an item, scores of different queries compete; from a query it does not see it",
    "hardest_triplet": "as triplet_alignment",
    "mlcd": "has the threshold 0",
    "positive_unlabelled": "takes sigma of each score",
    "comic": "takes sigma of each score",
    "sgns": "takes sigma of each score",
    "logit_distillation": "compares each score with the teacher's",
    "weighted_sum": "as its terms, one of which is mann_whitney here",
}
NO_SHIFT = {
    "adaptive_heads": "scores are cosines of projections",
    "matryoshka": "shortened embeddings get unit length",
    "heads": "halves get unit length",
    "conr": "features are the items' embeddings, whose cosines such a shift changes",
    "supremix": "mixtures of embeddings have a length of their own",
}


def named(config: ObjectiveConfig) -> str:
    """The kind and what it changes."""
    changed = {k: v for k, v in config.model_dump(exclude_defaults=True).items() if isinstance(v, bool | str | float)}
    return "-".join([config.kind, *(str(value) for key, value in changed.items() if key != "kind")])
