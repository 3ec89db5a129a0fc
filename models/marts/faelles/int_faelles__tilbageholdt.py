"""What is withheld of the key figures: one row per audience, key figure, municipality or group, and month (flis.disclosure.withholding, docs/afsloering.md)."""


def model(dbt, session):
    from flis.disclosure.tables import rows

    dbt.config(materialized="table")
    tables = [dbt.ref("int_faelles__kommunetal"), dbt.ref("dim_noegletal"), dbt.ref("formel"), dbt.ref("formelsammenhaeng"), dbt.ref("fortrolighedsgraense"), dbt.ref("dim_kommune")]
    return rows(session, *tables)
