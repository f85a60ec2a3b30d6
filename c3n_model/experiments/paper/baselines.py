"""The paper's baseline as settings of the same network."""

from __future__ import annotations

# TPAVI (Zhou et al., "Audio-Visual Segmentation", ECCV 2022), rows TPAVI-Re of Table I: no consensus, the summing pyramid, the
# non-local block with its norms, and the decoder that both code bases share. To be used with ModelConfig:
# `replace(config.model, **TPAVI)`.
TPAVI = {"pyramid": "tpavi", "fusion_norm": True, "decoder": "authors", "consensus": "none"}
