"""Which objectives, heads, teachers, negatives, mining and noise make sense together, and why others do not."""

from collections.abc import Sequence
from typing import Literal

from bundle.features import Feature
from training.errors import BadData
from training.examples import ExampleConfig
from training.interactions import Interactions
from training.memory import MemoryConfig
from training.mining.miner import HardNegativesConfig
from training.negatives import NegativesConfig
from training.noise import NoiseConfig
from training.objectives import ObjectiveConfig
from training.objectives.conr import ConRConfig
from training.objectives.contract import ObjectiveSettings
from training.objectives.heads import HeadsConfig
from training.objectives.matryoshka import MatryoshkaConfig
from training.objectives.supremix import SupReMixConfig
from training.rankers.mlp import MlpRankerConfig
from training.synthetic_queries.mix import MixConfig
from training.tables import QUERY_ID
from training.teachers import TeacherConfig
from training.teachers.adversarial import RankerTeacherConfig
from training.teachers.judgements import JudgementsConfig
from training.towers.two_heads import TwoHeadsConfig

_ONLY_WITHOUT_MINING = ("per_step", "per_query", "sampling", "stride")
_TABLE = JudgementsConfig()


def check_heads(
    objective: ObjectiveConfig, heads: TwoHeadsConfig | None, noise: NoiseConfig | None, dimension: int
) -> None:
    """Raise ValueError unless two heads, their objective and what reads both of them go together."""
    has_objective = isinstance(objective, HeadsConfig)
    if noise is not None and not has_objective:
        raise ValueError(
            f"noise.kind = '{noise.kind}' compares the losses of two heads, but objective.kind = '{objective.kind}' "
            "has one; set objective.kind = 'heads' and add a section [heads]"
        )
    if has_objective and heads is None:
        raise ValueError(
            "objective.kind = 'heads' trains the two halves of the embedding apart; add a section [heads], so that "
            "each half comes of a head of its own"
        )
    if heads is not None and isinstance(objective, MatryoshkaConfig):
        raise ValueError(
            "objective.kind = 'matryoshka' cuts the embedding short, which would cut off the second of the [heads]; "
            "remove [heads]"
        )
    if heads is not None and dimension % 2:
        raise ValueError(f"[heads] halves the embedding, but dimension = {dimension} is odd")


def check_metric(
    metric: Literal["cosine", "dot"], objective: ObjectiveConfig, heads: TwoHeadsConfig | None, dimension: int
) -> None:
    """Raise ValueError unless every part of the embedding is trained by the score that is served."""
    if metric == "dot" and heads is not None:
        raise ValueError(
            "metric = 'dot' serves dot products, but each of the [heads] is trained by its cosines; set metric = "
            "'cosine', or remove [heads]"
        )
    if not isinstance(objective, MatryoshkaConfig):
        return
    if metric == "dot" and objective.normalize:
        raise ValueError(
            "metric = 'dot' serves dot products, but objective.normalize = true trains cosines; set "
            "objective.normalize = false"
        )
    if objective.dims[0] > dimension:
        raise ValueError(
            f"objective.dims has {objective.dims[0]}, but dimension = {dimension}; leave it out, or raise dimension"
        )


def check_objective(objective: ObjectiveConfig, examples: ExampleConfig) -> None:
    """Raise ValueError unless every part that compares the graded targets of a query has something to compare."""
    for whole in _alone(objective):
        if all(isinstance(part, ConRConfig) for part in whole.parts):
            raise ValueError(
                "objective.kind = 'conr' compares the items of a query and never pulls at the query; make it a term "
                "of a weighted_sum beside one that does"
            )
    for part in objective.parts:
        if isinstance(part, ConRConfig) and examples.kind == "interaction":
            raise ValueError(
                "objective.kind = 'conr' compares the targets of a query, but examples.kind = 'interaction' gives "
                "one target each, so it would do nothing; set examples.kind = 'query' and examples.positives"
            )
        bounded = examples.kind == "interaction" or examples.positives is not None
        if isinstance(part, ConRConfig | SupReMixConfig) and not bounded:
            raise ValueError(
                f"the objective {_kind(part)} compares each target of a query with each other, and examples.kind = "
                "'query' sets no bound to their number; set examples.positives"
            )


def check_item_queries(
    features: Sequence[Feature], examples: ExampleConfig, synthetic_queries: MixConfig | None
) -> None:
    """Raise ValueError unless a query is described by what its item's record holds, as a request will have it."""
    if any(feature.name == QUERY_ID for feature in features):
        raise ValueError(
            f"data.pairs makes the items the queries, and an item has no field '{QUERY_ID}'; name the query feature "
            "'item_id'"
        )
    if examples.history_feature is not None:
        raise ValueError(
            "data.pairs makes the items the queries, which have no history; remove examples.history_feature"
        )
    if synthetic_queries is not None:
        raise ValueError(
            "data.pairs makes the items the queries, and [synthetic_queries] are none; use data.pairs.synthetic for "
            "more pairs, or remove the section"
        )


def check_negatives(
    objective: ObjectiveConfig,
    negatives: NegativesConfig,
    mining: HardNegativesConfig | None,
    memory: MemoryConfig | None,
) -> None:
    """Raise ValueError where the pool holds the whole catalogue and something else would add items to it."""
    if negatives.kind != "catalogue":
        return
    if mining is not None and not any(part.needs_teacher for part in objective.parts):
        raise ValueError(
            "negatives.kind = 'catalogue' takes every item in every step, so [hard_negatives] would add none; remove "
            "[hard_negatives], or choose other negatives"
        )
    if memory is not None:
        raise ValueError(
            "negatives.kind = 'catalogue' takes every item in every step, so trainer.memory would count each several "
            "times over; remove trainer.memory, or choose other negatives"
        )


def check_grades(objective: ObjectiveConfig, interactions: Interactions) -> None:
    """Raise BadData when a part of the objective needs grades and the interactions have none."""
    needy = [_kind(part) for part in objective.parts if part.needs_grades]
    if needy and interactions.grade_N is None:
        raise BadData(
            f"the objective {', '.join(needy)} learns from grades, but the interactions have no column 'grade'; add "
            "it, or choose an objective that needs none (grade_weights = false for decoupled_softmax)"
        )


def check_teacher(
    objective: ObjectiveConfig,
    teacher: TeacherConfig | None,
    mining: HardNegativesConfig | None,
    examples: ExampleConfig,
) -> None:
    """Raise ValueError unless there is a teacher exactly where an objective asks for one, and it has candidates."""
    taught = [part.needs_teacher for part in objective.parts]
    if teacher is None:
        if any(taught):
            kinds = ", ".join(_kind(part) for part in objective.parts if part.needs_teacher)
            raise ValueError(
                f"the objective {kinds} learns from a teacher's scores, but nobody gives any; add a section [teacher] "
                "of kind 'judgements' or 'ranker'"
            )
        return
    if not any(taught) and not (teacher.judge_margin is not None and mining is not None):
        raise ValueError(
            f"teacher.kind = '{teacher.kind}' would score candidates that no objective reads; choose an objective that "
            "learns from scores (such as graded_kl, distill_kl, margin_mse, adversarial), alone or in a weighted_sum, "
            "or remove [teacher]"
        )
    if (
        isinstance(teacher, RankerTeacherConfig)
        and isinstance(teacher.ranker, MlpRankerConfig)
        and examples.history_feature is not None
    ):
        raise ValueError(
            "teacher.ranker.kind = 'mlp' reads a query as its last example shows it, so with examples.history_feature "
            "it would judge the other examples by a history that holds their targets; leave history_feature out, or "
            "choose another teacher"
        )
    _check_candidates(teacher, mining, all(taught))


def _check_candidates(teacher: TeacherConfig, mining: HardNegativesConfig | None, only_taught: bool) -> None:
    if mining is None:
        if isinstance(teacher, RankerTeacherConfig):
            raise ValueError(
                "teacher.kind = 'ranker' learns from mined candidates and scores them; add a section [hard_negatives]"
            )
        if teacher.budget is not None:
            raise ValueError(
                "teacher.budget chooses among mined candidates; add a section [hard_negatives], or remove the budget"
            )
        return
    changed = [name for name in _ONLY_WITHOUT_MINING if getattr(teacher, name, None) != getattr(_TABLE, name)]
    if isinstance(teacher, JudgementsConfig) and changed:
        raise ValueError(
            f"teacher.{changed[0]} is about judged items, but with [hard_negatives] the candidates are the mined ones; "
            f"set hard_negatives.{changed[0]} instead"
        )
    if only_taught and mining.start_epoch > 0:
        raise ValueError(
            f"the objective learns from scores alone, and there are none in the first {mining.start_epoch} epochs; set "
            "hard_negatives.start_epoch to 0, or add a term that needs no teacher in a weighted_sum"
        )


def _alone(objective: ObjectiveConfig) -> tuple[ObjectiveSettings, ...]:
    """The objectives that train an embedding, or a half of one, without another beside them."""
    if isinstance(objective, MatryoshkaConfig):
        return (objective.objective,)
    if isinstance(objective, HeadsConfig):
        return (objective.first, objective.second)
    return (objective,)


def _kind(part: object) -> str:
    return f"'{getattr(part, 'kind', type(part).__name__)}'"
