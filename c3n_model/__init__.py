"""Cross-modal cognitive consensus guided audio-visual segmentation (C3N), streaming and offline."""
