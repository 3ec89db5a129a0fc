-- The deliveries' control totals, to the øre, against what stands in the standardized layer and what was set aside, delivery by delivery.
-- The deliveries of the last run; all of them with --vars '{alt: true}'.
select *
from {{ beroert_udsnit(ref('kontrolsum')) }}
where forskel_kr <> 0
