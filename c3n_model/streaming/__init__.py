"""Live streams: buffers, windows, the session that segments them."""
