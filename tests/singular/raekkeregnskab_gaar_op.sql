-- No row lost, none doubled, from the load to the standard, in any delivery.
select
    leverance_id,
    tabel,
    antal_ind,
    antal_ud,
    antal_sammenlagt,
    antal_frasat,
    antal_ikke_gaeldende
from {{ ref('raekkeregnskab') }}
where
    antal_ind <> antal_ud + antal_sammenlagt + antal_frasat + antal_ikke_gaeldende
    or antal_sammenlagt < 0
