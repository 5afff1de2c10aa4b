"""The adaptive gradient flow of Process 2, as an ordinary differential equation.

    >>> flow = AdaptiveFlow(network, x, y, rho=0.9, delta=1e-5, epsilon=1e-5)
    >>> trajectory = flow.integrate(w0, g0, h0, log_t_end=1e6)
    >>> trajectory.at(log_t=1e3).w

Read `systems` for the equations, `adaptive` for how they are integrated, `trajectory`
for what comes back, `discrete` for Procedure 1 in exact numbers and
beside the flow, `far` for networks
followed far out from zero averages.
"""

from marginflow.flows.adaptive import AdaptiveFlow, check_stability
from marginflow.flows.discrete import DiscreteRun, discrete_run, procedure_1_run
from marginflow.flows.errors import FlowError, NotSeparatedError, SlidingError
from marginflow.flows.far import FarState, far_flow
from marginflow.flows.objective import Objective
from marginflow.flows.relatives import RULES
from marginflow.flows.schedules import Constant, Decay, Plain, PowerLaw, as_decay
from marginflow.flows.systems import Clock
from marginflow.flows.trajectory import Crossing, Trajectory

__all__ = [
    "RULES",
    "AdaptiveFlow",
    "Clock",
    "Constant",
    "Crossing",
    "Decay",
    "DiscreteRun",
    "FarState",
    "FlowError",
    "NotSeparatedError",
    "Objective",
    "Plain",
    "PowerLaw",
    "SlidingError",
    "Trajectory",
    "as_decay",
    "check_stability",
    "discrete_run",
    "far_flow",
    "procedure_1_run",
]
