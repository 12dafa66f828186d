"""Which objectives, heads, teachers, mining and noise estimates make sense together, and why others do not."""

from training.mining.miner import HardNegativesConfig
from training.noise import NoiseConfig
from training.objectives import ObjectiveConfig
from training.objectives.heads import HeadsConfig
from training.objectives.matryoshka import MatryoshkaConfig
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


def check_teacher(
    objective: ObjectiveConfig, teacher: TeacherConfig | None, mining: HardNegativesConfig | None
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


def _kind(part: object) -> str:
    return f"'{getattr(part, 'kind', type(part).__name__)}'"
