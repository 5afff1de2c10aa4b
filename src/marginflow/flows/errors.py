"""What can go wrong on a flow, beyond wrong arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marginflow.flows.trajectory import Trajectory

__all__ = ["FlowError", "NotSeparatedError", "SlidingError"]


class FlowError(RuntimeError):
    """The flow could not be integrated; ``trajectory`` holds what was (or None)."""

    def __init__(self, message: str, trajectory: Trajectory | None = None) -> None:
        super().__init__(message)
        self.trajectory = trajectory


class NotSeparatedError(FlowError):
    """The flow never reached L(w) < l(0): Assumption 2 (iii) fails for this start."""


class SlidingError(FlowError):
    """The flow stays on a kink of Phi, where its right-hand side is set-valued."""
