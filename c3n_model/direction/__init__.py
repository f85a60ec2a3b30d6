"""Which of several objects sounds, by the direction that a microphone array hears."""
