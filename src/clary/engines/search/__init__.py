"""Where to look next for the least value of a function that is dear to evaluate."""
