"""What the book shows: its style, Figures 1 to 3, the charts and the proof map."""
