"""The experiments of Section 4: what to run, running it, and keeping what came out."""
