"""C3N as a ROS 2 perception node."""

# The messages c3n_ros.msg are generated into the *installed* package of this name. Where the source folder is found first
# (python or pytest started in the repository), this makes the installed folder a part of the package as well.
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
