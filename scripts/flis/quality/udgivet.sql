-- Each side of a key figure as it stood in the last release in which it counted (drift.offentliggjort): one that was held or not whole says nothing to be held against.
delete from kvalitet.udgivet;
insert into kvalitet.udgivet
with sider as (
    select noegletal_id, taeller_formel as formel_id, true as er_taeller from koder.noegletal
    union all
    select noegletal_id, naevner_formel as formel_id, false as er_taeller from koder.noegletal where naevner_formel is not null
),
udgivne as (
    select
        s.formel_id,
        o.gruppekode as kommunekode,
        case when s.er_taeller then o.periode else o.naevner_periode end as periode,
        case when s.er_taeller then o.taeller else o.naevner end as vaerdi,
        case when s.er_taeller then o.antal_taeller else o.antal_naevner end as antal_personer,
        o.udgave
    from drift.offentliggjort as o
    inner join sider as s on o.noegletal_id = s.noegletal_id
    where o.gruppetype = 'kommune' and o.bidrager
)
select formel_id, kommunekode, periode, vaerdi, antal_personer
from udgivne
where vaerdi is not null
-- a formula stands in several key figures, and is the same in all of a release
qualify row_number() over (partition by formel_id, kommunekode, periode order by udgave desc, antal_personer desc nulls last) = 1
order by formel_id, kommunekode, periode;
