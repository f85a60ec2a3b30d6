"""A rig takes a domain that nobody on this machine uses, and keeps it."""

import os

import rclpy

from c3n_ros.rig.isolation import DOMAINS, FIRST_DOMAIN, free_domain, isolated_environment


def test_a_domain_with_a_participant_is_left_alone():
    for _ in range(3):  # the first participant of a process and later ones, which listen on other ports
        domain = free_domain(os.getpid())
        context = rclpy.Context()
        rclpy.init(context=context, domain_id=domain)
        node = rclpy.create_node("occupant", context=context)
        assert FIRST_DOMAIN <= domain < FIRST_DOMAIN + DOMAINS and free_domain(domain - FIRST_DOMAIN) != domain
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_all_processes_of_a_rig_share_its_domain():
    assert isolated_environment()["ROS_DOMAIN_ID"] == isolated_environment(NAME="value")["ROS_DOMAIN_ID"]
    assert isolated_environment(NAME="value")["NAME"] == "value" and os.environ.get("NAME") != "value"
