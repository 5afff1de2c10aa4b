"""KKT points of the margin problem, and how far a given w is from one (Theorem 2).

The problem, for weights d = sqrt(delta/epsilon) that are 1 in problem (4), is

    minimize 1/2 sum_j d_j w_j^2   subject to   y_i Phi(w, x_i) >= 1 for all i.   (*)

With chi = (epsilon/delta)^(1/4) and v = w/chi its objective is |v|^2/2, and Theorem 4
states it in v. All residuals here are measured in v, so that they do not depend on
which of the two forms one has in mind, and are divided by |v|, to be pure numbers.

Phi is differentiable almost everywhere. Limits of flows like to lie where it is not, on
the kink of a ReLU: there two-layer networks take part with their whole Clarke
subdifferential; for other networks automatic differentiation picks one element of it,
and a residual is then an upper bound of the smallest one.
"""

from marginflow.kkt.linear import max_margin, max_margin_classes
from marginflow.kkt.perceptron import PerceptronKKTPoints, perceptron_kkt_points
from marginflow.kkt.points import KKTPoint, KKTReport
from marginflow.kkt.rate import DirectionRate, direction_rate
from marginflow.kkt.residual import alignment, kkt_residual
from marginflow.kkt.solve import solve_kkt

__all__ = [
    "DirectionRate",
    "KKTPoint",
    "KKTReport",
    "PerceptronKKTPoints",
    "alignment",
    "direction_rate",
    "kkt_residual",
    "max_margin",
    "max_margin_classes",
    "perceptron_kkt_points",
    "solve_kkt",
]
