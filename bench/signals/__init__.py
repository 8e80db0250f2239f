"""Budgets of what happens: logs, metrics, alarms, events."""
