"""Generalized AdaDelta: Procedure 1 of the paper as a torch optimizer.

====================== ============================================================
`generalized_adadelta` the optimizer, a drop-in for torch.optim.Adadelta when δ = ε
`steps`                one step of Procedure 1: the paper's lines, and in place
`fused`                the paper's lines compiled
`coefficients`         which options a parameter group may have
`decay`                schedules of ρ, Section 4's in both readings
`stability`            random δ and ε
`adapter`              the adapter, its reciprocal root, the skewed adapter β
====================== ============================================================
"""

from .adapter import (
    adapter,
    adapter_reciprocal_root,
    skewed_adapter,
    skewing_vector,
)
from .decay import HarmonicDecay, harmonic_decay, released_horizon
from .generalized_adadelta import GeneralizedAdadelta
from .stability import stability_terms
from .steps import Averages, Step, procedure_1

__all__ = [
    "Averages",
    "GeneralizedAdadelta",
    "HarmonicDecay",
    "Step",
    "adapter",
    "adapter_reciprocal_root",
    "harmonic_decay",
    "procedure_1",
    "released_horizon",
    "skewed_adapter",
    "skewing_vector",
    "stability_terms",
]
