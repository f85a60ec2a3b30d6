"""What users of detectors expect: a class filter, the newest result on request, a limit of the rate, a log line of changes."""

import pytest
from rclpy.parameter import Parameter
from robot import BEGIN_NS, SECOND_NS

from c3n_ros.srv import GetLast, SetClasses
