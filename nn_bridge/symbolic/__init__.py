"""From a network to its tropical rational map by algebra, and back."""
