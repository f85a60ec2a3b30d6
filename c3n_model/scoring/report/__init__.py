"""An evaluation as a page for people, with its tables and pictures."""
