"""AWS Sign-In: a code becomes short-lived keys. And the console, which is signed in to."""

from clary.services.signin import access, page, tidying, tokens
from clary.services.signin.api import service

access.register()

__all__ = ["access", "page", "service", "tidying", "tokens"]
