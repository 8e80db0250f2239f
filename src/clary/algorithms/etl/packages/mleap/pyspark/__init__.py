"""As MLeap's package for PySpark; bundles are Clary's own: see docs/sparkml.md."""
