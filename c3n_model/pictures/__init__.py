"""Pictures for people: overlays, panels, explanations."""
