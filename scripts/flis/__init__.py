"""Open FLIS: the Python around dbt."""

import gc
import os

# numpy's library starts a thread per core for every matrix, which costs more than it gives: those of the disclosure step are many and small, and DuckDB has the cores. Before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def seldom_garbage() -> None:
    """Look for garbage less often: dbt and Great Expectations make hundreds of thousands of objects that stay, and to look among them is a tenth of the start."""
    gc.set_threshold(50_000, 20, 50)
