"""One optimizer step, on the parameter shapes of the paper's two networks."""

from __future__ import annotations

import torch

from benchmarks import peaks
from benchmarks.rows import Row, interleaved
from marginflow.networks import mnist_net, vgg_net
from marginflow.optim import GeneralizedAdadelta, stability_terms

NETS = {"MNIST": mnist_net, "VGG": vgg_net}


def shapes(name: str, reading: str = "released") -> list[tuple[int, ...]]:
    """Parameter shapes; the released reading has the counts that the text reports."""
    net = NETS[name](reading=reading, generator=torch.Generator().manual_seed(0))
    return [tuple(p.shape) for p in net.parameters()]


def parameters(sizes) -> list[torch.nn.Parameter]:
    """Parameters of those shapes, with gradients."""
    random = torch.Generator().manual_seed(1)
    made = []
    for size in sizes:
        p = torch.nn.Parameter(torch.randn(size, generator=random))
        p.grad = torch.randn(size, generator=random) * 1e-3
        made.append(p)
    return made


def _note(ours: str, arithmetic: float) -> str:
    if "per parameter" in ours:
        return "torch has no per-parameter δ, ε; the peer's are numbers"
    if ours != "fused":
        return ""
    return (
        f"the step's arithmetic alone takes {arithmetic:.2g} ms: the compiled step, "
        "with everything in the cache"
    )


def rows(quick: bool) -> list[Row]:
    """Scalar and per-parameter δ and ε, against torch's two ways."""
    torch.set_num_threads(1)
    found = []
    for name in NETS:
        sizes = shapes(name)
        random = torch.Generator().manual_seed(2)
        draw = [
            [stability_terms(size, generator=random) for size in sizes] for _ in "δε"
        ]
        steps = {
            "fused": GeneralizedAdadelta(parameters(sizes), eps=1e-5, fused=True),
            "fused, δ and ε per parameter": GeneralizedAdadelta(
                [
                    {"params": [p], "delta": d, "epsilon": e}
                    for p, d, e in zip(parameters(sizes), *draw, strict=True)
                ],
                fused=True,
            ),
            "default, no compiler": GeneralizedAdadelta(parameters(sizes), eps=1e-5),
            "foreach": torch.optim.Adadelta(parameters(sizes), eps=1e-5, foreach=True),
            "for-loop": torch.optim.Adadelta(
                parameters(sizes), eps=1e-5, foreach=False
            ),
        }
        repeats = (3 if quick else 40) if name == "MNIST" else (2 if quick else 12)
        count = sum(torch.Size(size).numel() for size in sizes)
        work = {k: v.step for k, v in steps.items()}
        work |= {streams: peaks.stream(4 * count * streams) for streams in (7, 9)}
        seen = interleaved(work, repeats)
        for ours, streams in (
            ("fused", 7),
            ("fused, δ and ε per parameter", 9),
            ("default, no compiler", 7),
        ):
            for peer in ("foreach", "for-loop"):
                found.append(
                    Row(
                        f"optimizer step, {name} ({count / 1e6:.2f} M), {ours}",
                        1e3 * seen[ours],
                        "ms",
                        peer=1e3 * seen[peer],
                        peer_is=f"torch.optim.Adadelta {peer}",
                        limit=1e3 * seen[streams],
                        limit_is=f"{streams} streams, moved by a plain sum in turns",
                        repeats=repeats,
                        aim="≥ 5× foreach, ≤ 1.3 × limit" if "fused" in ours else "",
                        note=_note(ours, 1e3 * count / peaks.step_rate()),
                    )
                )
    return found
