"""What it costs: operations, parameters, time."""
