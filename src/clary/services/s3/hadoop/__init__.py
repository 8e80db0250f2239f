"""The Hadoop door: buckets as Hadoop's own WebHDFS client sees them, for Spark inside a job (docs/spark-files.md).

door        what is asked, and of which module
token       who asks
places      paths and keys; what is staged
visit       one request: its caller, its rights, its refusals
status      files and directories as the client sees them
reading     OPEN
writing     CREATE and MKDIRS
removing    DELETE
renaming    RENAME
staging     what jobs have written and not committed; no client of S3 sees it
mounts      the table by which Hadoop finds the buckets
"""

from clary.services.s3.hadoop import door, staging

__all__ = ["door", "staging"]
