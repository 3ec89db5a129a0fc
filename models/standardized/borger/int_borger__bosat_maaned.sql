-- A view: only ever counted from, never stored person by month. The fact counts only the slices that were touched (fct_borger__folketal).
with bosatte as (

    select * from {{ borger_bosatte(ref('std_borger__person_periode'), ref('int_borger__maaned')) }}

),

final as (

    select
        person_id,
        kommunekode,
        periode,
        alder,
        koen,
        civilstand,
        statsborgerskab
    from bosatte

)

select * from final
