"""Class names of the two modalities, and how alike they are (Eqs. 3-5)."""
