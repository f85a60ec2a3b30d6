"""Review masks by hand, and write them as a data set: c3n review."""
