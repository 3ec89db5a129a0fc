-- A zero stands only where everything it rests on is delivered whole (docs/decisions/0024).
select
    formel_id as id,
    kommunekode,
    periode,
    observationsstatus
from {{ ref('int_faelles__formelvaerdi') }}
where vaerdi = 0 and observationsstatus <> 'aegte_nul'

union all

select
    noegletal_id as id,
    kommunekode,
    periode,
    observationsstatus
from {{ ref('fct_noegletal__kommune') }}
where vaerdi = 0 and observationsstatus <> 'aegte_nul'
