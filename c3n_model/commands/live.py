"""`c3n live`: camera and microphone, or a recording, segmented as it comes and shown in the browser."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from c3n_model.commands.recording import add_model, load_chosen_model

DEFAULT_PORT = 8765


def add(commands) -> None:
    """Declare the arguments."""
    command = commands.add_parser(
        "live", help="show what sounds in front of this camera and microphone, in the browser"
    )
    command.add_argument("--camera", default="0", metavar="NAME", help="index or device file (default %(default)s)")
    command.add_argument(
        "--microphone", metavar="NAME", help="index or part of the name; with --video in the place of its own sound"
    )
    command.add_argument(
        "--video",
        metavar="SOURCE",
        help="in the place of the camera: a video file, a folder of pictures, a bag, or an RTSP or HTTP address",
    )
    command.add_argument("--list", action="store_true", help="list the cameras and microphones of this machine")
    add_model(command, default="zero_shot")
    command.add_argument("--threshold", type=float, default=0.5, help="of the mask, at the start (default %(default)s)")
    command.add_argument(
        "--max-sources",
        type=int,
        default=1,
        metavar="N",
        help="sounding objects with different labels that are named at once, at the start (default %(default)s)",
    )
    command.add_argument(
        "--compare-motion",
        action="store_true",
        help="of several objects of a class keep the one that moves in time with the sound, from the start",
    )
    command.add_argument(
        "-o", "--out", type=Path, default=Path("out/live"), help="folder for saved bags (default %(default)s)"
    )
    command.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the page; 0: any (default %(default)s)")
    command.add_argument("--no-browser", action="store_true", help="print the address of the page, do not open it")
    command.set_defaults(run=run)


def run(options, _: str) -> str:
    """Serve the page until Ctrl-C."""
    import webbrowser

    if options.list:
        return _list_devices()
    from c3n_model.live.server import make_app
    from c3n_model.live.settings import Settings
    from c3n_model.live.view import LiveView
    from c3n_model.web.local_server import HOST, listen, make_server

    settings = Settings(options.threshold, max_sources=options.max_sources, compare_motion=options.compare_motion)
    feeds = _open_feeds(options)
    listener = listen(options.port)

    def load(say) -> Any:
        from c3n_model.live.engine import Engine

        def tell(text: str) -> None:
            say(text)
            print(text, file=sys.stderr, flush=True)  # what is missing stays readable

        return Engine(load_chosen_model(options, tell), options.device, settings)

    view = LiveView(feeds, load, options.out)
    server = make_server(make_app(view))
    view.on_failure = lambda: setattr(server, "should_exit", True)
    address = f"http://{HOST}:{listener.getsockname()[1]}/"
    print(f"{' + '.join(feed.name for feed in feeds)}: {address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    view.start()
    if not options.no_browser:
        webbrowser.open(address)
    try:
        with suppress(KeyboardInterrupt):  # how a view ends; uvicorn passes the signal on
            server.run(sockets=[listener])
    finally:
        view.stop()
    if view.failure is not None:
        raise view.failure
    windows = view.engine.counts.windows if view.engine else 0
    return f"{windows} seconds were segmented"


def _open_feeds(options) -> list[Any]:
    """The feeds of pictures and of sound. Raises ValueError that says what is missing and what to do."""
    from c3n_model.devices.feeds import CameraFeed, RecordingFeed

    if options.video is None:
        return [CameraFeed(options.camera), _microphone(options.microphone or "")]
    source = _open_video(options.video)
    if options.microphone is None and source.has_sound:
        return [RecordingFeed(source)]
    return [RecordingFeed(source, sound=False), _microphone(options.microphone or "")]


def _open_video(text: str) -> Any:
    from c3n_model.sources import open_source
    from c3n_model.sources.network_stream import NetworkStream, is_address

    return NetworkStream(text) if is_address(text) else open_source(text, allow_silent=True)


def _microphone(name: str) -> Any:
    from c3n_model.devices.feeds import MicrophoneFeed
    from c3n_model.devices.microphone import MicrophoneSettings, load_sounddevice

    return MicrophoneFeed(MicrophoneSettings(name, sample_rate=48_000), load_sounddevice())


def _list_devices() -> str:
    from c3n_model.devices.camera import list_cameras
    from c3n_model.devices.microphone import describe_devices, load_sounddevice

    try:
        microphones = describe_devices(load_sounddevice())
    except ValueError as error:
        microphones = [str(error)]
    return "\n".join(["cameras:", *list_cameras(), "microphones:", *microphones])
