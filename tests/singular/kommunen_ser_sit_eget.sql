-- Withheld is withheld from others: of every key figure the municipality has all that there is (docs/decisions/0032).
select
    k.noegletal_id,
    k.kommunekode,
    k.periode
from {{ ref('int_faelles__kommunetal') }} as k
left join {{ ref('fct_noegletal__kommune') }} as f
    on
        k.noegletal_id = f.noegletal_id
        and k.kommunekode = f.kommunekode
        and k.periode = f.periode
where
    f.noegletal_id is null
    or k.taeller is distinct from f.taeller
    or k.naevner is distinct from f.naevner
    or k.vaerdi is distinct from f.vaerdi
    or k.observationsstatus is distinct from f.observationsstatus
