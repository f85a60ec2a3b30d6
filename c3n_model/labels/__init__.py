"""Class names of the two modalities, and their similarity (Eqs. 3-5)."""
