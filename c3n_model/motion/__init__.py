"""Which of several objects sounds, by whether it moves in time with the sound."""
