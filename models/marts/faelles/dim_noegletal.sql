with noegletal as (

    select * from {{ ref('noegletal') }}

),

formler as (

    select * from {{ ref('formel') }}

),

final as (

    select
        n.noegletal_id,
        n.titel,
        n.fagomraade,
        n.opgoerelsesniveau,
        n.visningstype,
        n.enhed,
        n.decimaler,
        n.taeller_formel,
        t.formelnavn as taeller_navn,
        t.beskrivelse as taeller_beskrivelse,
        t.fagomraade as taeller_fagomraade,
        n.naevner_formel,
        d.formelnavn as naevner_navn,
        d.beskrivelse as naevner_beskrivelse,
        d.fagomraade as naevner_fagomraade,
        n.faktor,
        n.hoejt_betyder,
        n.lavt_betyder,
        n.fortolkning,
        n.begraensninger,
        n.daekning,
        n.brud,
        n.ejer,
        n.hjemmel,
        n.officiel_tabel,
        n.verificeret,
        n.kilde,
        n.kildedato
    from noegletal as n
    left join formler as t on n.taeller_formel = t.formel_id
    left join formler as d on n.naevner_formel = d.formel_id

)

select * from final
