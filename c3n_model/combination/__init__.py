"""A trained C3N and zero_shot as one model: each second is painted by one of them."""
