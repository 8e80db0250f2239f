"""The scikit-learn image: programs that train and serve; a processing job brings its own command."""
