"""The inputs of runs by their old name; see `inputs`."""

from clary.services.sagemaker.inputs import InputError, body_of, local_file, relative, tree, trees

__all__ = ["InputError", "body_of", "local_file", "relative", "tree", "trees"]
