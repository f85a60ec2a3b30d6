"""Zero-shot segmentation: masks from pretrained classifiers and the consensus, without training on audio-visual data.

`zero_shot.py` is the network. C3IM infers the class over the labels of all visual models; the mask of that class comes from a
segmenter (`segmenters.py`), a detector (`detectors.py`) or the refined class activation of an ImageNet classifier
(`localise.py`).
"""
