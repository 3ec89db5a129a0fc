-- The deliveries' control totals, to the øre, against what stands in the standardized layer and what was set aside, delivery by delivery.
-- The deliveries of the last run; all of them with --vars '{alt: true}'.
select
    _leverance_id,
    leveret_kr,
    standard_kr,
    frasat_kr,
    ikke_gaeldende_kr,
    forskel_kr
from {{ beroert_udsnit(ref('kontrolsum')) }}
where forskel_kr <> 0
