"""An example of every objective of a reranker."""

from training.rerankers.objectives.contract import RerankerObjective
from training.rerankers.objectives.joint import JointConfig
from training.rerankers.objectives.listwise import ListwiseConfig
from training.rerankers.objectives.pairwise import PairwiseConfig
from training.rerankers.objectives.pointwise import PointwiseConfig

OBJECTIVES: dict[str, RerankerObjective] = {
    "pointwise": PointwiseConfig(),
    "pairwise": PairwiseConfig(),
    "listwise": ListwiseConfig(),
    "joint": JointConfig(pair_weight=0.5),
}
