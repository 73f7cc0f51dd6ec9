"""What goes wrong before anything is seen."""


class SightError(ValueError):
    """A task cannot be seen as asked; the message says what was expected, what came, and what to do."""
