"""The objectives that stand alone: one file each, and one line in the union below to add another."""

from typing import Annotated

from pydantic import Field

from training.objectives.adaptive_heads import AdaptiveHeadsConfig
from training.objectives.adversarial import AdversarialConfig
from training.objectives.comic import ComicConfig
from training.objectives.conr import ConRConfig
from training.objectives.decoupled_softmax import DecoupledSoftmaxConfig
from training.objectives.distill_kl import DistillKLConfig
from training.objectives.graded_kl import GradedKLConfig
from training.objectives.hardest_triplet import HardestTripletConfig
from training.objectives.logit_distillation import LogitDistillationConfig
from training.objectives.mann_whitney import MannWhitneyConfig
from training.objectives.margin_mse import MarginMSEConfig
from training.objectives.mlcd import MLCDConfig
from training.objectives.positive_unlabelled import PositiveUnlabelledConfig
from training.objectives.sgns import SGNSConfig
from training.objectives.soft_top_k import SoftTopKConfig
from training.objectives.softmax import SoftmaxConfig
from training.objectives.supremix import SupReMixConfig
from training.objectives.triplet_alignment import TripletAlignmentConfig

# The wrappers flatten this into their own unions, so it is kept apart from its discriminated form.
SingleObjective = (
    SoftmaxConfig
    | DecoupledSoftmaxConfig
    | SoftTopKConfig
    | MannWhitneyConfig
    | TripletAlignmentConfig
    | HardestTripletConfig
    | MLCDConfig
    | PositiveUnlabelledConfig
    | AdaptiveHeadsConfig
    | GradedKLConfig
    | MarginMSEConfig
    | DistillKLConfig
    | LogitDistillationConfig
    | AdversarialConfig
    | SupReMixConfig
    | ConRConfig
    | ComicConfig
    | SGNSConfig
)

SingleObjectiveConfig = Annotated[SingleObjective, Field(discriminator="kind")]
