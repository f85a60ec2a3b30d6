"""Pages for browsers on this machine: what `c3n live` and `c3n review` share."""
