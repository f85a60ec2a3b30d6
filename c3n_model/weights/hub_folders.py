"""Folders of models in the format of the library transformers: local ones, or snapshots in Hugging Face's cache.

Of a repository only configs, vocabularies and safetensors files are fetched, so nothing that is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

FILES = ["*.json", "*.txt", "*.safetensors"]
_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def find_folder(name: str) -> Path:
    """Return a local folder, or the snapshot of an id such as IDEA-Research/grounding-dino-tiny in the cache; no network access.

    Raises:
        FileNotFoundError: neither exists, or it lacks config.json or safetensors files; the message says what to do.
    """
    folder = _local(name)
    if folder is None:
        raise FileNotFoundError(
            f"no such folder, and no such model in Hugging Face's cache: {name!r}; expected a folder with config.json and "
            f"*.safetensors, or an id, which is fetched on first use unless downloads are switched off: {_by_hand(name)}"
        )
    missing = [pattern for pattern in ("config.json", "*.safetensors") if not any(folder.glob(pattern))]
    if missing:
        raise FileNotFoundError(
            f"{folder} has no {' and no '.join(missing)}; only models in safetensors are read, because other formats can execute "
            f"code when they are opened. Use a model that is published so, or convert it with save_pretrained"
        )
    return folder


def fetch_folder(name: str, say: Callable[[str], None]) -> None:
    """Download the files of an id that is not on this machine; nothing for a folder or a model in the cache.

    Raises:
        ConnectionError: it could not be had, or there is no such id; the message says how to get it by hand.
    """
    if _local(name) is not None or not _ID.fullmatch(name):
        return
    say(f"fetching {name} into Hugging Face's cache, once")
    try:
        snapshot_download(name, allow_patterns=FILES)
    except (OSError, HfHubHTTPError, OfflineModeIsEnabled, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConnectionError(f"could not fetch {name} ({reason}); {_by_hand(name)}") from error


def _local(name: str) -> Path | None:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not _ID.fullmatch(name):
        return None
    try:
        return Path(snapshot_download(name, allow_patterns=FILES, local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):  # not in the cache, or no id after all
        return None


def _by_hand(name: str) -> str:
    if not _ID.fullmatch(name):
        return "an id has the form OWNER/NAME"
    patterns = " ".join(f"--include '{pattern}'" for pattern in FILES)
    return f"hf download {name} {patterns}"
