"""Where log lines are kept and how a run's log file comes there."""
