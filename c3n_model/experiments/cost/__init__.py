"""Computational cost: operations, parameters, time."""
