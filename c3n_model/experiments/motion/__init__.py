"""How often the object that moves in time with the sound is chosen."""
