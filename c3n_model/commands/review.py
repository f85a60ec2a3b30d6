"""`c3n review`: keep, drop, relabel and correct the masks of a recording in the browser, and write them as AVSBench does."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from c3n_model.commands.recording import add_layout, add_topics

DEFAULT_PORT = 8766


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "review", help="correct the masks of a recording in the browser, for training on them"
    )
    command.add_argument("input", help="rosbag2 (folder, .mcap, .db3), video file, or folder of images with a .wav")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="folder of the data set; other recordings in it stay"
    )
    command.add_argument(
        "--masks", type=Path, metavar="FOLDER", help="what c3n segment wrote of this recording (default: empty masks)"
    )
    command.add_argument("--name", help="of the recording in the data set (default: its file's)")
    add_layout(command)
    add_topics(command)
    command.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the page; 0: any (default %(default)s)")
    command.add_argument("--no-browser", action="store_true", help="print the address of the page, do not open it")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Serve the page until Ctrl-C."""
    import webbrowser

    from c3n_model.data.raw_videos import SAMPLE_RATE
    from c3n_model.review.dataset_writer import Written, plain, write_dataset
    from c3n_model.review.review_server import make_review_app
    from c3n_model.review.seconds import Review, read_seconds
    from c3n_model.sources import open_source
    from c3n_model.streaming.segment import cut_windows
    from c3n_model.web.local_server import HOST, listen, make_server

    source = open_source(options.input, options.image_topic, options.audio_topic)
    name = plain(options.name or source.name)
    seconds = read_seconds(cut_windows(source, SAMPLE_RATE), options.masks)
    review = Review(seconds, options.out / "reviews" / f"{name}.json")

    def write() -> Written:
        return write_dataset(review, options.out, name, options.setting, options.split)

    listener = listen(options.port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"
    print(f"{len(seconds)} seconds of {source.name}: {address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    if not options.no_browser:
        webbrowser.open(address)
    with suppress(KeyboardInterrupt):  # how a review ends; uvicorn passes the signal on
        make_server(make_review_app(review, write)).run(sockets=[listener])
    counts = [verdict.decision for verdict in review.verdicts.values()]
    return f"{counts.count('keep')} seconds kept, {counts.count('drop')} dropped, {counts.count('undecided')} undecided"
