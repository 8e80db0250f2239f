"""What every service that runs jobs needs, and no one of them alone: rights, environments, logs of runs."""
