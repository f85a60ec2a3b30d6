"""Write outlined pictures in the two forms that `c3n compose --images` reads.

OUT/pictures/images, labels, data.yaml    pictures with polygons in YOLO's form
OUT/cutouts/*.png, names.txt              things cut out of pictures that also show people, who are not outlined
OUT/outlines.jpg                          SHOWN of all, to be looked at
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import yaml

from c3n_model.complete_file import write_complete
from c3n_model.compose.outlines import Outline
from c3n_model.pictures.overlay import contact_sheet, draw_mask

SHOWN, COLUMNS, CELL = 80, 10, 160
QUALITY = 93  # of JPEG
LEAST_AREA = 0.003  # of the picture, of a polygon


class OutlineWriter:
    """Writes outlines one by one; `finish` completes the folder."""

    def __init__(self, out: Path):
        self.pictures, self.cutouts, self.sheet = out / "pictures", out / "cutouts", out / "outlines.jpg"
        self._nouns: list[str] = []
        self._names: list[str] = []
        self._shown: list[tuple[np.ndarray, str]] = []
        self._step = 1  # every so many-th picture is shown
        self.written = 0

    def write(self, name: str, noun: str, outlined: Outline) -> None:
        """Write an outline that is not refused, under a name that no other has."""
        bgr = np.ascontiguousarray(outlined.rgb[..., ::-1])
        if outlined.people:
            alpha = outlined.mask.astype(np.uint8) * 255
            _save(self.cutouts / f"{name}.png", np.dstack([bgr, alpha]))
            self._names.append(f"{name} {noun}\n")
        else:
            if noun not in self._nouns:
                self._nouns.append(noun)
            _save(self.pictures / "images" / f"{name}.jpg", bgr)
            lines = polygon_lines(outlined.mask, self._nouns.index(noun))
            (self.pictures / "labels").mkdir(exist_ok=True)
            (self.pictures / "labels" / f"{name}.txt").write_text("".join(lines), encoding="utf-8")
        self._show(draw_mask(outlined.rgb, outlined.mask), noun)
        self.written += 1

    def finish(self) -> None:
        """Write the names of the classes, and the picture to look at."""
        if self._nouns:
            write_complete(self.pictures / "data.yaml", yaml.safe_dump({"names": self._nouns}))
        if self._names:
            write_complete(self.cutouts / "names.txt", "".join(self._names))
        if self._shown:
            _save(self.sheet, contact_sheet(*zip(*self._shown, strict=True), COLUMNS, CELL)[..., ::-1])

    def _show(self, picture: np.ndarray, noun: str) -> None:
        """Keep SHOWN of all pictures at most, evenly spread."""
        if self.written % self._step == 0:
            self._shown.append((cv2.resize(picture, (CELL, CELL), interpolation=cv2.INTER_AREA), noun))
        if len(self._shown) > SHOWN:
            self._shown, self._step = self._shown[::2], self._step * 2


def polygon_lines(mask: np.ndarray, number: int) -> list[str]:
    """Return the lines of YOLO's form, `number x y x y ...`, of the regions of a mask bool (H, W)."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    lines = []
    for contour in contours:
        if len(contour) >= 3 and cv2.contourArea(contour) >= LEAST_AREA * mask.size:
            corners = (contour[:, 0] + 0.5) / mask.shape[::-1]
            lines.append(f"{number} {' '.join(f'{value:.4f}' for value in corners.flatten())}\n")
    return lines


def _save(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise OSError(f"{path} cannot be written")
