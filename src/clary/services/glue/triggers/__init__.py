"""Triggers: jobs and crawlers are started by hand, by schedule, and by the ends of others."""
