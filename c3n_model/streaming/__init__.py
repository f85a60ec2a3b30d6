"""Live streams: buffers of frames and sound, one-second windows, and the session that segments them."""
