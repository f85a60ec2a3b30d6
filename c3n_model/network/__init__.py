"""Networks. Modules here import no other part of c3n_model."""
