"""The live view in a browser: c3n live."""
