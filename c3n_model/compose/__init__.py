"""Compose training clips from annotated pictures and labelled sounds (`c3n compose`)."""
