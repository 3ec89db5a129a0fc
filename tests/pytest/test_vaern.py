"""The guard before a package is written (flis.disclosure.guard), and when the attack on a release is made."""

from __future__ import annotations

import pytest

from flis.package import write as step
from flis.package.write import PackageError
from test_package import BASIS, add_key_figures, change, hjem, run  # noqa: F401  (hjem is a fixture)


def test_a_benchmark_figure_on_too_few_persons_stops_the_package(hjem):  # noqa: F811
    add_key_figures(hjem, persongrundlag=BASIS)
    change(hjem, "update marts.fct_noegletal__benchmark set vaerdi = 1 where gruppekode = '0147' and noegletal_id = 'vh1'")
    with pytest.raises(PackageError, match="1 cells on fewer than 5 persons .antal_personer in fct_noegletal__kommune"):
        run(hjem)
    assert not list(hjem.outbox.glob("*/*/*"))


@pytest.mark.parametrize("side, whole", [("taeller", "taeller"), ("naevner", "sum_naevner")])
def test_a_benchmark_figure_of_which_one_has_nearly_all_stops_the_package(hjem, side, whole):  # noqa: F811
    """Enough persons on each side, and the largest of them has 90 of the 100 in two rows: one that is shown, and one that is withheld already."""
    add_key_figures(hjem, persongrundlag=BASIS)
    change(hjem, f"alter table marts.fct_noegletal__kommune add column {whole} decimal(18, 5)")
    change(hjem, f"alter table marts.fct_noegletal__kommune add column stoerste_{side} decimal(18, 5)")
    change(hjem, f"update marts.fct_noegletal__kommune set {whole} = -100, stoerste_{side} = case when kommunekode <> '0615' and noegletal_id = 'vh1' then 90 else 85 end")
    with pytest.raises(PackageError, match=f"1 cells of which one person has nearly all .stoerste_{side} in fct_noegletal__kommune"):
        run(hjem)
    assert not list(hjem.outbox.glob("*/*/*"))
    change(hjem, f"update marts.fct_noegletal__kommune set stoerste_{side} = 85")
    assert run(hjem).written


def test_what_is_told_beside_others_is_attacked_when_only_own_packages_are_due(hjem, monkeypatch):  # noqa: F811
    """The benchmark packages have not moved; what each municipality is told of the others, in its own package, has."""
    def told(*_):
        raise step.attack.Disclosed("tells what is withheld")

    add_key_figures(hjem, persongrundlag=BASIS)
    run(hjem)
    monkeypatch.setattr(step.attack, "BESIDE", "fct_noegletal__kommune")
    monkeypatch.setattr(step.attack, "attack", told)
    assert run(hjem).written == []
    change(hjem, "update marts.fct_noegletal__kommune set vaerdi = 2 where kommunekode = '0101'")
    before = sorted(hjem.outbox.glob("*/*/*"))
    with pytest.raises(PackageError, match="tells what is withheld"):
        run(hjem)
    assert sorted(hjem.outbox.glob("*/*/*")) == before
    monkeypatch.setattr(step.attack, "attack", lambda *_: None)
    assert {path.parent.name for path in run(hjem).written} == {"voksne_handicap"}


def test_a_benchmark_that_does_not_say_what_it_rests_on_is_refused(hjem):  # noqa: F811
    add_key_figures(hjem)
    with pytest.raises(PackageError, match="persongrundlag"):
        run(hjem)


def test_a_release_is_noted_before_the_first_of_it_can_be_read(hjem, monkeypatch):  # noqa: F811
    """A run that is stopped half way has shown some of it: the next must know what."""
    noted = []
    monkeypatch.setattr(step.Run, "_published", lambda *_: noted.append(sorted(hjem.outbox.glob("*/*/*"))))
    add_key_figures(hjem, persongrundlag=BASIS)
    assert run(hjem).written
    assert noted == [[]]
