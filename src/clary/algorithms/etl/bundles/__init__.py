"""Fitted transformers of a Spark session become operations of a bundle, and a bundle becomes a transformer again.

Imported in jobs that have PySpark, and nowhere else."""
