"""A live session. The network is stateless; the session holds all state. Use one session per stream.

Each new window is encoded once and decoded together with the summaries of the T - 1 seconds before it. Summaries are kept by
stamp and are two vectors a stage, a few kB, so that memory hardly grows with the history or with overlapping windows. The
result equals that of `network.forward` for the last frame of a clip, with T times fewer backbone passes. Overlapping windows
(a hop below a second) also look back in whole seconds, as the network was trained.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from c3n_model.deployment.exported import Runtime
from c3n_model.model import Model, choose_device
from c3n_model.network.answer import Answer, read_answer
from c3n_model.network.decoding import Decoding
from c3n_model.network.prepared import Precision
from c3n_model.preprocess import resize_frames
from c3n_model.presence import decide_presence, loudness_dbfs
from c3n_model.streaming.inference import for_inference, open_exported
from c3n_model.streaming.labelling import unified_label
from c3n_model.streaming.several_sources import SourcePicture, allow_sources, instances_of, name_each
from c3n_model.streaming.tracker import Tracker
from c3n_model.types import NANOSECONDS_PER_SECOND, Frame, Presence, Segmentation, Window
from c3n_model.zero_shot.background import LEARNING_S, Background
from c3n_model.zero_shot.hearing import HearingMemory

FORGET_SHOWN_NS = 2 * NANOSECONDS_PER_SECOND  # after a longer gap, the class shown before it no longer has an effect


class Session:
    """Segments the windows of one stream. Not thread safe: one thread owns the session and the GPU.

    Args:
        model: from `load_model`. A C3N is copied and rewritten to run faster (`network.prepared`), any other network moved to
            `device`.
        device: "auto", "cpu", "cuda" or "cuda:N".
        threshold: probability in (0, 1) above which a pixel belongs to the mask.
        presence_threshold: presence below which the mask is empty; visibility_threshold: confidence of the named visual class
            below which the mask is empty. None uses the model's value.
        history: number of seconds decoded together, T, at least 1; None uses the model's value.
        precision: "float32", or "bfloat16" for ASPP and decoder of a C3N, which is faster with AMX or on a GPU, and changes masks slightly.
        runtime: "auto", or what runs the model: "torch", or for a file of `c3n export` "onnxruntime" or "openvino".
        background: learnt before, for a network that separates the robot's background from other sounds (zero-shot with a
            prior).
        max_sources: number of different sounding objects that are named at once; the paper names one.
        keep_evidence: compute for `newest` what an empty mask does not need, too: what is in view while nothing is heard.
    Raises:
        ValueError: a device that is not available or too small for the model, a threshold outside (0, 1), a history below 1,
            a precision or a runtime that device or model do not have, or a background for a network that does not use one.
        ModuleNotFoundError: a runtime that is not installed.
    """

    def __init__(
        self, model: Model, device: str = "auto", *, threshold: float = 0.5, presence_threshold: float | None = None,
        visibility_threshold: float | None = None, history: int | None = None, precision: Precision = "float32", runtime: str = "auto",
        background: Background | None = None, max_sources: int = 1, keep_evidence: bool = False,
    ):  # fmt: skip
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie within (0, 1), got {threshold}")
        if history is not None and history < 1:
            raise ValueError(f"history must be at least 1 s, got {history}")
        self.model, self.device = model, choose_device(device)
        self._exported = open_exported(model, runtime, self.device, precision)
        self.network: Any = for_inference(model.network.eval(), precision, self.device)  # C3N or ZeroShot
        self.network = allow_sources(self.network, max_sources, exported=self.is_exported)
        self._to_device()
        self.threshold = threshold
        self.presence_threshold = model.config.presence_threshold if presence_threshold is None else presence_threshold
        self.visibility_threshold = (
            model.config.visibility_threshold if visibility_threshold is None else visibility_threshold
        )
        self.history = model.config.history if history is None else history
        make_memory = getattr(self.network, "new_memory", None)
        self._memory: HearingMemory | None = make_memory() if make_memory is not None else None
        if background is not None:
            self.background = background
        self._keep_evidence = keep_evidence
        self._summaries: list[tuple[int, Any]] = []  # (start_ns, what later seconds need of the window), oldest first
        self._newest: Decoding | None = None
        self._tracker = Tracker()

    @property
    def newest(self) -> Decoding:
        """The decoding of the last window. Raises RuntimeError before the first one."""
        if self._newest is None:
            raise RuntimeError("no window was segmented in torch yet; call step first, of a model that runs in torch")
        return self._newest

    @property
    def is_exported(self) -> bool:
        """Whether an exported step runs the model, so that `newest` does not exist."""
        return self._exported is not None

    @property
    def max_sources(self) -> int:
        """Number of different sounding objects that are named at once. Raises ValueError when set as the constructor does."""
        return getattr(self.network, "max_sources", 1)

    @max_sources.setter
    def max_sources(self, most: int) -> None:
        self.network = allow_sources(self.network, most, exported=self.is_exported)

    @property
    def background(self) -> Background | None:
        """The robot's background as learnt so far; None for a network that does not use one."""
        return self._memory.background if self._memory is not None else None

    @background.setter
    def background(self, known: Background) -> None:
        self._memory_or_refuse().background = known

    def learn_background(self, seconds: float = LEARNING_S) -> None:
        """Learn the robot's background from the next seconds. Raises ValueError for a network that does not use one."""
        self._memory_or_refuse().background.learn(seconds)

    def _memory_or_refuse(self) -> HearingMemory:
        if self._memory is None:
            raise ValueError(
                "this model does not use a background; use zero_shot with a prior (its setting prior: auto)"
            )
        return self._memory

    def reset(self) -> None:
        """Forget all seconds so far, the class that is shown and the running mean of the background, but not a background
        that was learnt by `learn_background` or given."""
        self._summaries.clear()
        self._newest = None
        if self._memory is not None:
            self._memory.forget_shown()
            self._memory.background.forget_live()
        self._tracker.forget()

    @property
    def device_memory_bytes(self) -> int | None:
        """GPU memory reserved by this process on the network's device; None on a CPU."""
        return torch.cuda.memory_reserved(self.device) if self.device.type == "cuda" else None

    def close(self) -> None:
        """Move the network to the CPU and release the device's memory. `step` must not be called afterwards."""
        self.reset()
        self.network.to("cpu")
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _to_device(self) -> None:
        try:
            self.network.to(self.device)
        except RuntimeError as error:  # out of memory half way
            reason = str(error).splitlines()[0]
            self.network.to("cpu")
            raise ValueError(
                f"the model does not fit on {self.device} ({reason}); use another device or a smaller model"
            ) from error

    @torch.no_grad()
    def step(self, window: Window[Frame]) -> Segmentation:
        """Segment the newest window. A window that is not newer than the last (a looping bag) starts a new history.

        Raises ValueError for a history that is longer than that of an exported step.
        """
        if self._exported is not None:
            return self._describe(window, [self._run_exported(self._exported, window)], None)
        encoding = self.network.encode(*self.inputs(window))
        before_ns = self._summaries[-1][0] if self._summaries else window.start_ns
        seconds = [*self._earlier(window.start_ns), self.network.summarise(encoding)]
        self._summaries.append((window.start_ns, seconds[-1]))
        memory, since_last_ns = self._memory, window.start_ns - before_ns
        if memory is not None:
            memory.least_presence = self._least_presence(window)
            if since_last_ns > FORGET_SHOWN_NS:
                memory.forget_shown()
        newest = self.network.decode_newest(encoding, seconds, *([] if memory is None else [memory]))
        self._newest = newest
        segmentation = self._describe(window, [read_answer(found) for found in (newest, *newest.others)], newest)
        if memory is not None:
            memorise(memory, segmentation, newest, since_last_ns, self.model)
        return segmentation

    def _least_presence(self, window: Window[Frame]) -> float:
        """The presence below which no mask of a window is published; 0 if everything is to be computed."""
        if self._keep_evidence:
            return 0.0
        return math.inf if loudness_dbfs(window.snippet) <= Presence.SILENCE_DBFS else self.presence_threshold

    def inputs(self, window: Window[Frame]) -> tuple[torch.Tensor, torch.Tensor]:
        """Convert a window to the network's inputs: frame (1, 3, size, size) and snippet (1, samples), on its device."""
        return self.model.inputs(window.frame.rgb[None], window.snippet[None], self.device)

    def _run_exported(self, runtime: Runtime, window: Window[Frame]) -> Answer:
        frame = resize_frames(window.frame.rgb[None], self.model.config.image_size)[0]
        answer, summary = runtime.step(frame, window.snippet, self._earlier(window.start_ns))
        self._summaries.append((window.start_ns, summary))
        return answer

    def _earlier(self, start_ns: int) -> list[Any]:
        """Forget what is older than the history, and return the summaries of the whole seconds before `start_ns`."""
        if self._summaries and start_ns <= self._summaries[-1][0]:
            self.reset()
        oldest_ns = start_ns - (self.history - 1) * NANOSECONDS_PER_SECOND
        self._summaries = [entry for entry in self._summaries if entry[0] >= oldest_ns]
        return [known for known_ns, known in self._summaries if (start_ns - known_ns) % NANOSECONDS_PER_SECOND == 0]

    def _describe(self, window: Window[Frame], answers: list[Answer], decoding: Decoding | None) -> Segmentation:
        """Join the sources of a window, best first: those whose presence passes, and the label of the first of them."""
        judged = [self._judge(window, answer) for answer in answers]
        first = next((rank for rank, presence in enumerate(judged) if presence.present), 0)
        picture = SourcePicture(window.frame.rgb.shape[:2], self.threshold)
        for rank, (answer, presence) in enumerate(zip(answers, judged, strict=True)):
            if presence.present:
                found = None if decoding is None else (decoding, *decoding.others)[rank]
                picture.add(answer.probability, unified_label(answer, self.model), *instances_of(found))
        label = unified_label(answers[first], self.model)
        objects, numbers = picture.objects()
        if decoding is not None and decoding.further is not None:
            objects = name_each(objects, numbers, decoding.further.select(0), label, self.model)
        return Segmentation(
            window_start_ns=window.start_ns,
            stamp_ns=window.frame.stamp_ns,
            frame_id=window.frame.frame_id,
            mask=picture.mask,
            confidence=picture.confidence,
            label=label,
            presence=judged[first],
            objects=self._tracker.track(objects, window.frame.stamp_ns),
            heard=window.heard,
            object_numbers=numbers,
        )

    def _judge(self, window: Window[Frame], answer: Answer) -> Presence:
        keep = self._memory.keep(answer.visual_class) if self._memory is not None else 1.0
        return decide_presence(
            window.snippet, answer.presence, keep * self.presence_threshold,
            audible=answer.audible, visual_score=answer.visual_score, visibility_threshold=keep * self.visibility_threshold,
        )  # fmt: skip


def memorise(
    memory: HearingMemory, segmentation: Segmentation, decoding: Decoding, since_last_ns: int, model: Model
) -> None:
    """Remember the classes that are shown, and add the window's new sound to the background unless it is silent."""
    named = {visual for _, visual in segmentation.pairs} if segmentation.mask.any() else ()
    classes = [int(found.consensus.visual_class[0]) for found in (decoding, *decoding.others)]
    memory.shown = tuple(shown for shown in classes if model.visual_labels[shown] in named)
    if decoding.tagger_logits is not None and segmentation.presence.reason != "silent":
        seconds = since_last_ns / NANOSECONDS_PER_SECOND
        new = seconds if 0 < seconds < 1 else 1.0
        memory.background.hear(decoding.tagger_logits[0], new, published=bool(segmentation.mask.any()))
