"""Draw overlays, panels and explanations."""
