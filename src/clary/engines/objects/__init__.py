"""Blob stores behind the `kernel.objects` port."""
