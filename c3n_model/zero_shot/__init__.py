"""Masks from the consensus alone, without any training on audio-visual data: what a robot can do on its first day.

`network.py` is the whole: C3IM names the class over every visual vocabulary there is, and what is of that class becomes the
mask: a segmenter's own (`segmenters.py`), or the class activation of an ImageNet classifier, refined (`localise.py`).
"""
