"""Clary's own `awsglue`: what Glue's Spark scripts import, over plain DataFrames. Inside jobs it is a package of its
own (its folder is on `sys.path` there), so its modules import each other relatively."""

from .dynamicframe import DynamicFrame
from .gluetypes import DataType
from .job import Job

__all__ = ["DataType", "DynamicFrame", "Job"]
