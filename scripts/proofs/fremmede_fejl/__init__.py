"""A second generator of faults: written from the domain reference and the contracts' file formats alone, by hands that had not read the rules, and tried against them.

`arter.yml` says which kinds of fault there are, `systemer.yml` where each system writes what. `filer` reads and writes the files, `felter` the values in them, `greb` are the moves that
a kind is made of, `plan` says which municipality gets which kind, `gang` walks the installation clean and faulty, `maal` holds the two against each other, `tabel` writes the table.
"""
