"""Clary: SageMaker's API, your machines, seconds instead of minutes."""

__version__ = "0.1.0"
