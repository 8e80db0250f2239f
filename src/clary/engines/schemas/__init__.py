"""What is in files: their format, their columns and the columns' types."""
