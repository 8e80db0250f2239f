"""Model cards, their versions, and exports of them."""

from clary.services.sagemaker.cards import cards, exports, structure
from clary.services.sagemaker.cards.cards import EXPORT, KIND, described, searched

__all__ = ["EXPORT", "KIND", "cards", "described", "exports", "searched", "structure"]
