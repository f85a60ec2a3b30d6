"""Serves `pip install -e .` only: the offline package without ROS.

In a ROS workspace colcon builds by package.xml and CMakeLists.txt and never reads this file (see docs/architecture.md).
"""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name):
    """The lines of a requirements file, without comments and empty lines."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


setup(
    name="c3n_ros",
    version="0.1.0",
    description="Which pixels make the sound? C3N audio-visual segmentation as a ROS 2 node and an offline package.",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["c3n_model", "c3n_model.*", "c3n_ros", "c3n_ros.*"]),
    package_data={
        "c3n_model": [
            "**/*.safetensors",
            "**/*.json",
            "**/*.yaml",
            "**/*.csv",
            "**/*.txt",
            "**/*.jinja",
            "sources/interfaces*/**/*",
        ]
    },
    install_requires=requirements("requirements.txt"),
    extras_require={"test": requirements("requirements-test.txt")},
    entry_points={"console_scripts": ["c3n = c3n_model.cli:main"]},
)
