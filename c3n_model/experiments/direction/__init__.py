"""How often the object that sounds is chosen by its direction, in simulated rooms."""
