"""Sending to web addresses outside Clary."""
