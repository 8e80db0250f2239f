"""Script mode: a user's program trains and serves in the image of a framework. Which framework, its package says."""
