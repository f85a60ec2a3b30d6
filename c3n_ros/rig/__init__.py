"""Surroundings of the nodes in tests and demos: player, recorder, simulation, load. Nothing imports it."""
