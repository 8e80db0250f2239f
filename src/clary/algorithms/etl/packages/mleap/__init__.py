"""MLeap's names inside of Glue jobs: pipelines of Spark ML are saved as bundles that Clary serves."""
