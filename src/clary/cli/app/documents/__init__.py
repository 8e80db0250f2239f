"""The document of a page: what its form asks, what the model answers, and examples. Where it may come from, in order:

    given       a file, by --document
    rows        a CSV file with a header, by --from-data
    package     where the model package that is served says it is: its property clary:page
    baseline    the package's statistics of its data, as the monitor's image writes them
    sparkml     the schema of a Spark ML container, and the words in its bundle

`checked` says what is wrong with one.
"""
