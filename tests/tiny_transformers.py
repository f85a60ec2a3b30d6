"""Tiny models of the library transformers with random weights, saved as published ones are: built offline, from their configs."""

from __future__ import annotations

from pathlib import Path

import torch

SIDE = 64
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def save_grounding_dino(folder: Path) -> Path:
    """GroundingDINO for texts of up to 64 tokens, whose words are those of the vocabulary below."""
    from transformers import (
        BertTokenizer,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        SwinConfig,
    )

    words = [f"[unused{number}]" for number in range(1100)]
    # The network knows these by their numbers in BERT's vocabulary.
    for number, word in {
        0: "[PAD]",
        100: "[UNK]",
        101: "[CLS]",
        102: "[SEP]",
        103: "[MASK]",
        1012: ".",
        1029: "?",
    }.items():
        words[number] = word
    words[1040:1046] = ["lawn", "mower", "dog", "heli", "##copter", "wolf"]
    torch.manual_seed(0)
    backbone = SwinConfig(
        image_size=SIDE, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    text = {
        "model_type": "bert",
        "vocab_size": 1100,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = GroundingDinoConfig(
        backbone_config=backbone, text_config={**text, "intermediate_size": 16, "max_position_embeddings": 64},
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2,
        decoder_attention_heads=2, num_queries=12, encoder_n_points=2, decoder_n_points=2, max_text_len=64,
    )  # fmt: skip
    processor = GroundingDinoImageProcessor(size={"shortest_edge": 96, "longest_edge": 160})
    tokenizer = BertTokenizer(vocab={word: number for number, word in enumerate(words)})
    return _save(folder, GroundingDinoForObjectDetection(config), processor, tokenizer)


def save_owlv2(folder: Path) -> Path:
    """OWLv2 that reads letters."""
    from transformers import Owlv2Config, Owlv2ForObjectDetection, Owlv2ImageProcessor

    tokenizer = _letters()
    torch.manual_seed(0)
    config = Owlv2Config(text_config=_text(tokenizer), vision_config=_vision(1), projection_dim=16)
    return _save(
        folder, Owlv2ForObjectDetection(config), Owlv2ImageProcessor(size={"height": SIDE, "width": SIDE}), tokenizer
    )


def save_clipseg(folder: Path) -> Path:
    """CLIPSeg that reads letters."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation, ViTImageProcessor

    tokenizer = _letters()
    torch.manual_seed(0)
    config = CLIPSegConfig(
        text_config=_text(tokenizer), vision_config=_vision(3), projection_dim=16, extract_layers=[0, 1, 2], reduce_dim=8,
        decoder_num_attention_heads=2, decoder_intermediate_size=8,
    )  # fmt: skip
    return _save(
        folder, CLIPSegForImageSegmentation(config), ViTImageProcessor(size={"height": SIDE, "width": SIDE}), tokenizer
    )


def save_sam2(folder: Path) -> Path:
    """SAM 2."""
    from transformers import Sam2Config, Sam2ImageProcessor, Sam2Model

    torch.manual_seed(0)
    backbone = {
        "model_type": "sam2_hiera_det_model", "hidden_size": 8, "image_size": [SIDE, SIDE], "blocks_per_stage": [1, 1, 1, 1],
        "embed_dim_per_stage": [8, 16, 32, 64], "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [8, 4, 4, 2], "window_positional_embedding_background_size": [4, 4],
        "global_attention_blocks": [], "mlp_ratio": 1.0,
    }  # fmt: skip
    vision = {
        "backbone_config": backbone, "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": 32,
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
    }  # fmt: skip
    decoder = {
        "hidden_size": 32, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
        "iou_head_depth": 2,
    }  # fmt: skip
    prompts = {"hidden_size": 32, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 4}
    config = Sam2Config(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    return _save(folder, Sam2Model(config), Sam2ImageProcessor(size={"height": SIDE, "width": SIDE}))


def _letters():
    from transformers import CLIPTokenizer

    pieces = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])


def _text(tokenizer) -> dict:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    return {**sizes, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": 40}


def _vision(layers: int) -> dict:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": layers, "num_attention_heads": 2}
    return {**sizes, "image_size": SIDE, "patch_size": 16}


def _save(folder: Path, *parts) -> Path:
    for part in parts:
        part.save_pretrained(folder)
    return folder
