"""Borger: a population with its moves, and the Central Person Register's extracts of it.

The world is spells (status, address, civil status, citizenship) made once from chance and never changed. The files are what the register
reports of them: when, with what delay, what it got wrong at first and corrected later. The truth is taken from the spells, the files from the
reports, so that neither is made from the other.

The CPR numbers are formally right (date, century digit, sex) and cannot belong to anyone: every one fails modulus 11, and nobody is
born on 1 January, the date for which numbers without a check digit have been issued since 2007.
"""

from __future__ import annotations

from flis.demo import borger_facit, borger_filer, borger_verden
from flis.demo.verden import Verden


def generate(verden: Verden) -> None:
    """Make the population of `verden.kommune`, its register extracts and its truth.

    Leaves `verden.person`, `verden.cpr_historik` and `verden.bopael` for the other areas.
    """
    borger_verden.build(verden)
    borger_filer.build_lines(verden)
    borger_filer.write_extracts(verden)
    if verden.faults:
        borger_filer.break_transfer(verden)
    borger_filer.build_official(verden)
    borger_facit.write_truth(verden)
    borger_filer.write_official(verden)
