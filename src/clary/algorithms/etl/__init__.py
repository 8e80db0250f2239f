"""What runs a Glue job: `python -m clary.algorithms.etl` reads etl.json, brings up Spark where the job is one of
Spark's, and runs the script."""
