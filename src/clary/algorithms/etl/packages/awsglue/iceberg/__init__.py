"""Iceberg tables in Spark: a data source in Python over PyIceberg and the catalog's API. No Iceberg jar is needed.

source   the data source that Spark knows, and the doors of the GlueContext
reading  rows of one state of a table
filters  Spark's filters in PyIceberg's words
writing  rows that become one snapshot of a table
tables   the tables themselves, from the catalog
"""
