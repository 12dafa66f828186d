"""The retriever's step of AR2: put weight on the candidates that fool the ranker, and stay close to its ranking.

Axes: B queries, J most judged candidates of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import Judged, judged_candidates, log_shares, mean_over

Adversary = Literal["expected", "weighted_ce"]


class AdversarialConfig(ObjectiveSettings):
    """The adversarial term of AR2 and its distillation regulariser; the teacher's scores are the ranker's."""

    needs_teacher: ClassVar[bool] = True
    no_logq: ClassVar[str] = "compares the judged candidates of a query only"
    kind: Literal["adversarial"] = "adversarial"
    temperature: float = Field(default=0.05, gt=0, description="Divides the scores before the softmax.")
    teacher_temperature: float = Field(default=1.0, gt=0, description="Divides the ranker's scores.")
    adversary: Adversary = Field(
        default="weighted_ce",
        description="'expected' is the paper's expected reward over the negatives; 'weighted_ce' is the released "
        "code's cross-entropy towards the rewards of all candidates.",
    )
    weight: float = Field(
        default=0.5, ge=0, le=1, description="Weight of the adversarial term; the rest is the regulariser's."
    )

    def build(self, dimension: int) -> "Adversarial":
        """The objective; `dimension` does not matter."""
        return Adversarial(self.temperature, self.teacher_temperature, self.adversary, self.weight)


@dataclass(frozen=True)
class Adversarial:
    """L_i = w adv_i + (1 - w) H(ranker_i, retriever_i) (AR2, ICLR 2022), each a mean over queries.

    With r_n = log sigma(D_p - D_n) <= 0 from the ranker's scores D, 'expected' is sum_n p(n) r_n over the negatives,
    least when p sits on the negative that fools the ranker best. 'weighted_ce' is sum_j r_j log p(j) over all
    candidates, r_p = -log 2, least at p ~ |r|. (The released code sums that term over the batch; here it is the mean.)
    Of several targets, D_p is the mean and each has r_p. A query without a judged target or another judged item is
    skipped. Needs the ranker's scores, or raises TrainingError; no gradient reaches them. Both terms are in `logs`.
    """

    temperature: float
    teacher_temperature: float = 1.0
    adversary: Adversary = "weighted_ce"
    weight: float = 0.5

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        c = judged_candidates(batch, "adversarial")
        negative_BJ = c.is_judged_BJ & ~c.is_target_BJ
        contributes_B = c.is_target_BJ.any(1) & negative_BJ.any(1)
        ranker_BJ = c.teacher_BJ / self.teacher_temperature
        log_model_BJ = log_shares(c.score_BJ / self.temperature, c.is_judged_BJ)
        log_ranker_BJ = log_shares(ranker_BJ, c.is_judged_BJ)
        regulariser_B = -(log_ranker_BJ.exp() * log_model_BJ).masked_fill(~c.is_judged_BJ, 0.0).sum(1)
        reward_BJ = _rewards(ranker_BJ, c)
        if self.adversary == "expected":
            log_negative_BJ = log_shares(c.score_BJ / self.temperature, negative_BJ)
            adversarial_B = (log_negative_BJ.exp() * reward_BJ).masked_fill(~negative_BJ, 0.0).sum(1)
        else:
            adversarial_B = (reward_BJ * log_model_BJ).masked_fill(~c.is_judged_BJ, 0.0).sum(1)
        total_B = self.weight * adversarial_B + (1 - self.weight) * regulariser_B
        output = reduce(total_B, contributes_B, batch.weight_B)
        for name, term_B in (("adversarial", adversarial_B), ("distillation", regulariser_B)):
            output.logs[name] = reduce(term_B.detach(), contributes_B, batch.weight_B).loss
        return output


def _rewards(ranker_BJ: Tensor, c: Judged) -> Tensor:
    """log sigma(D_p - D_j); for a target itself log(1/2)."""
    lead_BJ = mean_over(ranker_BJ, c.is_target_BJ)[:, None] - ranker_BJ
    return logsigmoid(lead_BJ.masked_fill(c.is_target_BJ, 0.0))
