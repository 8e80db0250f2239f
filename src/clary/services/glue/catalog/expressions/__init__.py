"""The expressions of GetPartitions: a small SQL over the partition keys.

    year = 2024 AND (month IN (1, 2) OR day >= '15') AND NOT region LIKE 'eu-%'

syntax  from the text to an expression
truths  whether one holds for a partition
bounds  what it asks of the keys' ranges, by which whole branches of partitions are leapt over (pruning.py)
keys    partition keys, and what a partition's texts stand for by their types
"""
