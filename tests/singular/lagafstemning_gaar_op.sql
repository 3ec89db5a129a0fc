-- What stands in the standardized layer is what the marts say, for every municipality and month: nothing is lost or doubled between the layers.
select
    fagomraade,
    kommunekode,
    periode,
    maal,
    standard,
    marts,
    forskel
from {{ beroert_udsnit(ref('lagafstemning')) }}
where forskel <> 0
