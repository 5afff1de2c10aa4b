"""marginflow: the executable companion to "Implicit Regularization of AdaDelta".

The paper is Englert, Lazić and Semler, TMLR 12/2024.  Modules, from
the ground up (imports run downwards, see tests/test_floors.py):

=============  ==================================================================
`checks`       what an argument may be, and what is said otherwise
`flat`         one vector w for the parameters of a module
`homogeneity`  the degree L, read off a network's graph            (Assumption 1)
`networks`     predictors Φ(w, x)                                  (Section 4)
`losses`       the total loss L(w), with its tail kept             (Section 2)
`optim`        generalized AdaDelta                                (Procedure 1)
`margins`      margins of one fixed w over a data set              (Section 2)
`data`         the data sets of Section 4
`flows`        the adaptive gradient flow, in t and in log t       (Process 2)
`kkt`          KKT points and residuals of the margin problem      (Theorem 2)
`proofs`       the proofs as ordered, mechanically checked steps   (Lemmas 5-9)
`experiments`  what to run, running it, recording it               (Section 4)
`claims`       what the paper claims, and what became of it here
`book`         what the book shows: style, figures, charts, proof map
`cli`          the command `marginflow`
=============  ==================================================================

Importing `marginflow` itself loads none of them, so that the command line starts fast.
"""

__version__ = "0.2.0"
