"""One linear programme that is asked again and again, with other prices and bounds each time, and goes on from where it stood.

The programmes are small and many (tens of thousands in a home's first build), so it is what surrounds each that costs: HiGHS is spoken to directly, not through scipy.
"""

from __future__ import annotations

import highspy
import numpy as np
from scipy.sparse import csc_matrix

UNBOUNDED = (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible)


class Programme:
    """What moves together: a·move = 0, each move split in what goes up and what goes down, for either costs. To stand still is always allowed."""

    def __init__(self, a: np.ndarray) -> None:
        rows, self.n = a.shape
        self.every = np.arange(2 * self.n, dtype=np.int32)
        self.zero = np.zeros(2 * self.n)
        both = csc_matrix(np.hstack([a, -a]))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = 2 * self.n, rows
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self.zero, self.zero, np.full(2 * self.n, highspy.kHighsInf)
        lp.row_lower_, lp.row_upper_ = np.zeros(rows), np.zeros(rows)
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = both.indptr, both.indices, both.data
        self.highs = highspy.Highs()
        # one thread: the families are worked out at the same time, each in a process; and no presolve, which would forget where it stood
        for option, value in (("output_flag", False), ("threads", 1), ("presolve", "off")):
            self.highs.setOptionValue(option, value)
        self.highs.passModel(lp)

    def cheapest(self, cost_up: np.ndarray, cost_down: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray | None:
        """The moves that cost least; None where there is no end to what they gain."""
        self.highs.changeColsCost(2 * self.n, self.every, np.concatenate([cost_up, cost_down]))
        self.highs.changeColsBounds(2 * self.n, self.every, self.zero, np.concatenate([up, down]))
        self.highs.run()
        status = self.highs.getModelStatus()
        if status in UNBOUNDED:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            return np.zeros(self.n)
        found = np.array(self.highs.getSolution().col_value)
        return found[:self.n] - found[self.n:]
