"""The sparkml-serving image: pipelines of Spark ML, saved as MLeap bundles, answer without Spark and without Java."""
