"""Side-by-side timings: what this package costs, beside its peers and the machine.

    python -m benchmarks             # every group, a few minutes, to results/
    python -m benchmarks optimizer   # one group
    python -m benchmarks --book      # the book's build and pages as well (longer)

A group is a module with a function ``rows(quick) -> list[Row]``.  Repeats of the things
compared are interleaved, so that a machine that is busy for a while is busy for all of
them; what is shown is the median.
"""
