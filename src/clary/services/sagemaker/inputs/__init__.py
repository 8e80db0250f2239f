"""From S3 to what a run reads: trees of linked files, and pipes that are fed while it runs.

sources  which objects an input names, and where each stands below it
parts    which of them a host gets, and in which order
files    an object as a file of this machine: linked where it is one, fetched where it is not
trees    input modes File and FastFile
feeds    input mode Pipe
"""

from clary.jobs.files import body_of, local_file
from clary.jobs.refusals import InputError
from clary.services.sagemaker.inputs.feeds import Feed, Stream, fed, feeds
from clary.services.sagemaker.inputs.sources import relative
from clary.services.sagemaker.inputs.trees import tree, trees

__all__ = ["Feed", "InputError", "Stream", "body_of", "fed", "feeds", "local_file", "relative", "tree", "trees"]
