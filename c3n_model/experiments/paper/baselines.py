"""The paper's baseline as settings of the same network."""

from __future__ import annotations

# TPAVI (Zhou et al., "Audio-Visual Segmentation", ECCV 2022), rows TPAVI-Re of Table I: no consensus, and the summing pyramid.
# Everything else is as in the C3N that it is compared with: TPAVI has the decoder and the norms after the non-local block that
# the code of C3N's authors has, too. To be used with ModelConfig: `replace(config.model, **TPAVI)`.
TPAVI = {"pyramid": "tpavi", "consensus": "none"}
