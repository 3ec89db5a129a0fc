"""Open FLIS: the Python around dbt."""

import gc


def seldom_garbage() -> None:
    """Look for garbage less often: dbt and Great Expectations make hundreds of thousands of objects that stay, and to look among them is a tenth of the start."""
    gc.set_threshold(50_000, 20, 50)
