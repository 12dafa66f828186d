"""The epoch hooks that a configuration asks for."""

from training.config import TrainConfig
from training.epoch_hook import EpochHook, HookContext
from training.mining.hard_negatives import HardNegatives
from training.mining.miner import HardNegativesConfig
from training.teachers import TeacherConfig
from training.teachers.adversarial import RankerTeacher, RankerTeacherConfig
from training.teachers.contract import Teacher
from training.teachers.judgements import JudgedCandidates, JudgementsConfig, JudgementsTeacher
from training.teachers.taught_negatives import TaughtNegatives


def build_hooks(config: TrainConfig, context: HookContext) -> list[EpochHook]:
    """What happens between epochs, in order: candidates first, since the noise estimate meets them in its pools.

    Raises BadData when a teacher has nothing to judge.
    """
    hooks: list[EpochHook] = []
    if config.teacher is not None:
        hooks.append(_taught(config.teacher, config.hard_negatives, context))
    elif config.hard_negatives is not None:
        hooks.append(HardNegatives(config.hard_negatives, context))
    if config.noise is not None:
        hooks.append(config.noise.build(context))
    return hooks


def _taught(config: TeacherConfig, mining: HardNegativesConfig | None, context: HookContext) -> EpochHook:
    if mining is None:
        if not isinstance(config, JudgementsConfig):
            raise TypeError("a ranker needs mined candidates; the configuration checks that")
        return JudgedCandidates(config, context)
    teacher: Teacher
    if isinstance(config, RankerTeacherConfig):
        teacher = RankerTeacher(config, context)
    else:
        teacher = JudgementsTeacher(context)
    return TaughtNegatives(mining, config, teacher, context)
