"""The node's states, by the services that every lifecycle manager calls."""

import gc
import threading
from types import SimpleNamespace

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.parameter import Parameter
from robot import MODEL, LeftHalfSounds, Robot, make_node, wait_until
from std_srvs.srv import SetBool, Trigger

from c3n_model.streaming.session import Session
from c3n_model.zero_shot.background import LEARNING_S, Background
from c3n_model.zero_shot.logit_statistics import read_statistics

CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP


class Manager(Robot):
    """A robot that manages the node, as ros2 lifecycle and Nav2's manager do."""

    def __init__(self):
        super().__init__()
        self._change = self.create_client(ChangeState, "/segmentation/change_state")
        self._state = self.create_client(GetState, "/segmentation/get_state")
        self._enable = self.create_client(SetBool, "/segmentation/enable")
        self._learn = self.create_client(Trigger, "/segmentation/learn_background")

    def change(self, *transitions):
        """Whether each of the transitions succeeded."""
        requests = [ChangeState.Request(transition=Transition(id=transition)) for transition in transitions]
        return [call(self._change, request).success for request in requests]

    @property
    def state(self):
        return call(self._state, GetState.Request()).current_state.label

    def enable(self, value):
        return call(self._enable, SetBool.Request(data=value))

    def learn_background(self):
        return call(self._learn, Trigger.Request())


def call(client, request):
    """The answer of a service of this very process. Fast DDS once denied, for 20 s, one that had just answered: only an answer
    tells."""
    available = client.wait_for_service(timeout_sec=5)
    future = client.call_async(request)
    assert wait_until(future.done), f"{client.srv_name} does not answer; available: {available}"
    return future.result()


@pytest.fixture
def manager(spin):
    """A manager beside a node that was not started yet: `manager.node`."""

    def start(*session, **parameters):
        manager = Manager()
        manager.node = make_node(*session, start=False, autostart=False, **parameters)
        spin(manager.node, manager)
        return manager

    return start


def test_twenty_cycles_leave_nothing_behind(manager, tiny_model):
    def sessions(model, device, **execution):
        return Session(model, "cpu", presence_threshold=0.0)

    manager = manager(None, tiny_model, make_session=sessions)
    assert manager.change(CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP) == [True] * 4
    before = (threading.active_count(), *entities(manager.node))
    for _ in range(20):
        assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2 and manager.state == "active"
        assert {"intake", "network"} <= {thread.name for thread in threading.enumerate()}
        assert manager.change(DEACTIVATE, CLEANUP) == [True] * 2 and manager.state == "unconfigured"
    gc.collect()
    assert (threading.active_count(), *entities(manager.node)) == before
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    manager.wait_for_node()
    manager.play(3, pace_s=0.02)
    assert wait_until(lambda: manager.masks and manager.objects), "the 22nd activation works as the first"


def test_a_session_is_told_how_to_run(manager):
    told = []

    def sessions(model, device, **how):
        told.append(how)
        return LeftHalfSounds()

    manager = manager(make_session=sessions, max_sources=2)
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    assert told == [{"runtime": "auto", "precision": "float32", "max_sources": 2}]
    assert not manager.node.set_parameters([Parameter("max_sources", value=3)])[0].successful, "not while active"


def entities(node):
    """How much of everything rclpy holds for the node, the traces in its callback group among it."""
    kinds = (node.subscriptions, node.publishers, node.timers, node.services, node.waitables)
    return (*(len(list(kind)) for kind in kinds), len(node.default_callback_group.entities))


def test_a_transition_that_the_state_does_not_allow_is_refused(manager, capfd):
    manager = manager()
    assert manager.change(ACTIVATE, DEACTIVATE, CLEANUP) == [False] * 3 and manager.state == "unconfigured"
    assert manager.change(CONFIGURE, CONFIGURE) == [True, False] and manager.state == "inactive"
    said = capfd.readouterr().err
    assert said.count("[ERROR]") == 4 and "Traceback" not in said


def test_a_model_that_is_missing_can_be_replaced(manager, capfd):
    def load(name):
        if name != "good":
            raise FileNotFoundError(f"no model {name!r}: neither a file nor one of demo, zero_shot")
        return MODEL

    manager = manager(load_model=load)
    assert manager.change(CONFIGURE) == [False] and manager.state == "unconfigured"
    said = capfd.readouterr().err
    assert said.count("[ERROR]") == 1 and "cannot configure" in said and "zero_shot" in said
    assert manager.node.set_parameters([Parameter("model", value="good")])[0].successful
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    refused = manager.node.set_parameters([Parameter("model", value="other")])[0]
    assert not refused.successful and "clean up" in refused.reason
    assert manager.change(DEACTIVATE) == [True]
    assert manager.node.set_parameters([Parameter("image_transport", value="compressed")])[0].successful


def test_a_device_that_refuses_can_be_replaced(manager, capfd):
    refuses = []

    class Device(LeftHalfSounds):
        def step(self, window):
            if not refuses:
                refuses.append(1)
                raise RuntimeError("CUDA out of memory.")
            return super().step(window)

    manager = manager(Device())
    assert manager.change(CONFIGURE, ACTIVATE) == [True, False] and manager.state == "inactive"
    assert capfd.readouterr().err.count("[ERROR]") == 1
    assert not list(filter(lambda thread: thread.name in ("intake", "network"), threading.enumerate()))
    assert manager.change(ACTIVATE) == [True] and manager.state == "active"


def test_sound_of_a_package_that_is_not_installed_is_refused(manager, capfd):
    manager = manager(audio_msg_type="AudioStamped")
    assert manager.change(CONFIGURE, ACTIVATE) == [True, False] and manager.state == "inactive"
    said = capfd.readouterr().err
    assert said.count("[ERROR]") == 1 and "AudioStamped" in said and "audio_msg_type:=auto" in said
    assert manager.node.set_parameters([Parameter("audio_msg_type", value="auto")])[0].successful
    assert manager.change(ACTIVATE) == [True]


def test_deactivation_waits_for_a_slow_network_and_stops_listening(manager):
    session = LeftHalfSounds()
    manager = manager(session)
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    session.pause_s = 0.5
    manager.wait_for_node()
    manager.play(2)
    assert manager.change(DEACTIVATE) == [True] and session.device == "closed"
    assert wait_until(lambda: manager.images.get_subscription_count() == manager.sound.get_subscription_count() == 0)
    count = len(manager.masks)
    manager.play(2)
    assert len(manager.masks) == count


def test_pause_and_resume(manager):
    manager = manager()
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    assert manager.enable(False).message == "paused" and manager.state == "active"
    assert wait_until(lambda: manager.images.get_subscription_count() == 0)
    manager.play(2)
    assert not manager.masks
    assert manager.enable(True).success and manager.enable(True).success, "twice is no mistake"
    manager.wait_for_node()
    manager.play(3)
    assert wait_until(lambda: manager.masks)


def test_diagnostics_report_the_state(manager):
    manager = manager()
    statuses = {}

    def remember(message):
        statuses.update({status.name: status for status in message.status})

    manager.create_subscription(DiagnosticArray, "/diagnostics", remember, 10)

    def node_says(text):
        return wait_until(lambda: getattr(statuses.get("segmentation: node"), "message", "").startswith(text))

    assert node_says("unconfigured")
    assert manager.change(CONFIGURE) == [True] and node_says("inactive")
    assert manager.change(ACTIVATE) == [True] and node_says("active")
    values = {value.key: value.value for value in statuses["segmentation: node"].values}
    assert values["rmw"] and values["waiting images"] == "0"
    network = {value.key: value.value for value in statuses["segmentation: network"].values}
    assert (network["model"], network["fingerprint"], network["device"]) == ("zero_shot", "0123456789ab", "nowhere")
    assert manager.enable(False).success and node_says("disabled: call its service ~/enable")


class OwnNoise(LeftHalfSounds):
    """A session that hears its background: the same logits in every window."""

    def __init__(self):
        super().__init__()
        self.model = SimpleNamespace(**vars(MODEL) | {"audio_labels": ("dog", "motor")})
        self.background = Background()

    def learn_background(self):
        self.background.learn()

    def step(self, window):
        self.background.hear(torch.tensor([-6.0, 1.0]), 1.0, published=False)
        return super().step(window)


def test_the_robots_own_noise_is_learnt_on_request(manager, tmp_path):
    file = tmp_path / "noise.csv"
    manager = manager(OwnNoise(), background_file=str(file))
    refused = manager.learn_background()
    assert not refused.success and "activate" in refused.message
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    manager.wait_for_node()
    answer = manager.learn_background()
    assert answer.success and str(file) in answer.message
    manager.play(seconds=int(LEARNING_S) + 2)
    assert wait_until(file.is_file)
    assert read_statistics(file, ("dog", "motor")).mean.tolist() == [-6.0, 1.0]


def test_a_model_without_a_background_refuses_to_learn_one(manager):
    manager = manager(LeftHalfSounds())
    assert manager.change(CONFIGURE, ACTIVATE) == [True] * 2
    refused = manager.learn_background()
    assert not refused.success and "model:=zero_shot" in refused.message
