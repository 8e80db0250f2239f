"""What runs inside a job: the built-in images. Imports nothing of Clary but this package."""
