"""The scikit-learn image. A processing job brings its own command; this package only says so when it does not."""
