"""What a step of each type does. One file a type; `table.py` is the list."""
