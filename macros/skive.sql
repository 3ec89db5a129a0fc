{#
  The incremental strategy `skive`: the touched slices are deleted by list and inserted anew, nothing else.

  A model says `meta: {skive: [columns]}`. Before it runs, `skive_find` writes the list of touched slices to drift.skive__<model>; the model reads its
  input through `kun_beroerte(relation)`; the strategy deletes and inserts; `skive_gem` remembers how far the model has come. All of it is state in
  schema drift, so a run that failed half-way is caught up by the next one.
  With `behold: true` beside `skive: [_leverance_id]` a delivery keeps its rows when it ceases to be active: the model is a memory (kvalitet.leveranceprofil).
  Only a delivery that is withdrawn is forgotten (docs/decisions/0016). With `foelger_maaneder: 4` a month is counted again when one of the four before it has moved.
  Why not dbt-duckdb's delete+insert: quadratic in the slice, and it leaves a slice that has become empty (docs/decisions/0003).
#}

{% macro drift_klargoer() %}
    {% if execute %}
    create schema if not exists drift;
    create table if not exists drift.koersel (koersel bigint, invocation varchar, startet timestamp);
    create table if not exists drift.beroert (model varchar, koersel bigint, kommunekode varchar, periode date);
    create table if not exists drift.tilstand (model varchar, koersel bigint);
    create table if not exists drift.behandlet (model varchar, leverance_id bigint);
    -- the views over incremental models, and which: what has moved in these has moved in the view (flis.build.moved_rows)
    create table if not exists drift.visning (model varchar, af varchar);
    -- what has been built, and from what: no signature until its tests have passed (flis.build.signatures)
    create table if not exists drift.bygget (model varchar, koersel bigint, signatur varchar);
    -- what the rules hold back (flis.quality.held writes it after they have run): a figure bears the mark of it
    create schema if not exists kvalitet;
    create table if not exists {{ source('kvalitet', 'holdt') }} (kommunekode varchar, fagomraade varchar, periode date, kvalitetsstatus varchar);
    -- what every model has come past is of no more use
    delete from drift.beroert where koersel < (select min(koersel) from drift.tilstand);
    delete from drift.koersel where koersel < (select min(koersel) from drift.tilstand);
    insert into drift.koersel
    select coalesce(max(koersel), 0) + 1, '{{ invocation_id }}', cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) from drift.koersel;
    {% endif %}
{% endmacro %}

{# The model's slice columns; empty when the model is not of this strategy. #}
{% macro skive_kolonner() %}
    {% if config.get('materialized') == 'incremental' and config.get('incremental_strategy') == 'skive' %}
        {{ return((config.get('meta') or {}).get('skive', [])) }}
    {% endif %}
    {{ return([]) }}
{% endmacro %}

{% macro skive_tabel(navn=none) %}{{ return('drift.skive__' ~ (navn or model.name)) }}{% endmacro %}

{# The name that slices stand under in drift.beroert when a rule has come to hold them, or has let go of them. #}
{% macro skive_holdt() %}{{ return('kvalitet.holdt') }}{% endmacro %}

{#
  What the model rests on: source tables reached through views, and the nearest upstream models of this strategy. An upstream model by delivery (a
  stored int_) is looked through as a view is, unless this one goes by municipality and month: its deliveries are this model's. `forenede` are the upstream
  models that go by something else than the delivery. Of those by municipality the sources are a delivery's model's own as well: a delivery that is replaced
  leaves no row there that could say so.
#}
{% macro skive_ophav() %}
    {% set kilder, modeller, forenede, set_ = [], [], [], [] %}
    {% set igennem = skive_kolonner() != ['kommunekode', 'periode'] %}
    {% set koe = model.depends_on.nodes | list %}
    {% for _ in range(200) %}
        {% if koe %}
            {% set id = koe.pop(0) %}
            {% if id not in set_ %}
                {% do set_.append(id) %}
                {% if id.startswith('source.') %}
                    {% set s = graph.sources[id] %}
                    {% if s.source_name == 'kvalitet' %}{% do modeller.append(skive_holdt()) %}
                    {% elif s.source_name not in ('opsaetning', 'leverancer') %}{% do kilder.append(s) %}{% endif %}
                {% elif id.startswith('model.') %}
                    {% set n = graph.nodes[id] %}
                    {% if n.config.get('incremental_strategy') == 'skive' %}
                        {% do modeller.append(n.name) %}
                        {% if n.config.get('meta', {}).get('skive') == ['_leverance_id'] %}{% if igennem %}{% do koe.extend(n.depends_on.nodes) %}{% endif %}
                        {% else %}
                            {% do forenede.append(n.name) %}
                            {% if skive_kolonner() == ['_leverance_id'] and n.config.get('meta', {}).get('skive') == ['kommunekode'] %}{% do koe.extend(n.depends_on.nodes) %}{% endif %}
                        {% endif %}
                    {% else %}{% do koe.extend(n.depends_on.nodes) %}{% endif %}
                {% endif %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {{ return({'kilder': kilder | sort(attribute='unique_id'), 'modeller': modeller | sort, 'forenede': forenede | sort}) }}
{% endmacro %}

{% macro skive_liste(vaerdier) %}{% for v in vaerdier %}'{{ v }}'{% if not loop.last %}, {% endif %}{% endfor %}{% endmacro %}

{# The ids of active deliveries of the systems the model rests on. #}
{% macro skive_aktive(kilder) %}
    select leverance_id
    from {{ source('leverancer', 'leverance') }}
    where status = 'aktiv' and kildesystem in ({{ skive_liste(kilder | map(attribute='source_name') | unique | sort) }})
{% endmacro %}

{# True when an upstream model was rebuilt whole since this one last ran: then everything is touched, but what a memory has counted stays. #}
{% macro skive_alt(modeller) %}
    {% if not execute or not modeller or (config.get('meta') or {}).get('behold') %}{{ return(false) }}{% endif %}
    {% set svar = run_query("select count(*) from drift.beroert where kommunekode = '*' and model in (" ~ skive_liste(modeller) ~ ")"
        ~ " and koersel > coalesce((select max(koersel) from drift.tilstand where model = '" ~ model.name ~ "'), -1)") %}
    {{ return(svar.columns[0].values()[0] > 0) }}
{% endmacro %}

{# The touched slices as a query's CTEs, the last of them `beroert`. #}
{% macro skive_beroert(kolonner, ophav) %}
    with aktive as (
        {{ skive_aktive(ophav.kilder) if ophav.kilder else 'select cast(null as bigint) as leverance_id where false' }}
    ),
    behandlet as (
        select leverance_id from drift.behandlet where model = '{{ model.name }}'
    ),
    aendret as (
        (select leverance_id from aktive except select leverance_id from behandlet)
        union all
        {% if (config.get('meta') or {}).get('behold') %}
        select distinct t._leverance_id from {{ this }} as t
        where t._leverance_id in (select leverance_id from {{ source('leverancer', 'leverance') }} where status = 'tilbagekaldt')
        {% else %}
        (select leverance_id from behandlet except select leverance_id from aktive)
        {% endif %}
    ),
    beroert as (
        {% if kolonner == ['_leverance_id'] %}
        select leverance_id as _leverance_id from aendret
        {% if ophav.forenede %}
        union all
        -- Full deliveries of one municipality are judged together (a target group goes by its service's delivery): when the model that unites them
        -- has moved, all of them are counted again.
        select l.leverance_id as _leverance_id
        from {{ source('leverancer', 'leverance') }} as l
        inner join drift.beroert as b on l.kommunekode = b.kommunekode
        where l.status = 'aktiv' and l.udtraekstype = 'fuld' and b.model in ({{ skive_liste(ophav.forenede) }})
            and b.koersel > coalesce((select max(koersel) from drift.tilstand where model = '{{ model.name }}'), -1)
        {% endif %}
        {% if (config.get('meta') or {}).get('foelger_maaneder') %}
        union all
        -- A month that is held against the months before it is counted again when one of them comes, is replaced or is withdrawn.
        select n.leverance_id as _leverance_id
        from {{ source('leverancer', 'leverance') }} as n
        inner join {{ source('leverancer', 'leverance') }} as a on n.fagomraade = a.fagomraade and n.kommunekode = a.kommunekode
        where n.status = 'aktiv' and a.leverance_id in (select leverance_id from aendret)
            and {{ leverancens_maaned('n') }} > {{ leverancens_maaned('a') }}
            and {{ leverancens_maaned('n') }} <= {{ leverancens_maaned('a') }} + interval '{{ (config.get('meta') or {}).foelger_maaneder }}' month
        {% endif %}
        {% elif kolonner == ['person_id'] %}
        select person_id from {{ source('leverancer', 'beroert_person') }} where leverance_id in (select leverance_id from aendret)
        union all
        -- the numbers first, then their persons: the register of numbers is the whole country's, and is gone through once
        select person_id from {{ source('leverancer', 'person_noegle') }}
        where cpr in (
            select cast(null as string)
            {% for s in ophav.kilder %}{% for navn, kolonne in s.columns.items() %}
            {% if kolonne.get('config', {}).get('meta', {}).get('personnummer') or kolonne.get('meta', {}).get('personnummer') %}
            union all
            select {{ som_cpr('r.' ~ navn) }} from {{ s.relation_name }} as r where r._leverance_id in (select leverance_id from aendret)
            {% endif %}{% endfor %}{% endfor %}
        )
        {% else %}
        select {{ kolonner | join(', ') }} from drift.beroert
        where kommunekode <> '*' and model in ({{ skive_liste(ophav.modeller) or "''" }})
            and koersel > coalesce((select max(koersel) from drift.tilstand where model = '{{ model.name }}'), -1)
        {% if ophav.kilder and kolonner == ['kommunekode'] %}
        union all
        select l.kommunekode from {{ source('leverancer', 'leverance') }} as l
        where l.leverance_id in (select leverance_id from aendret) and l.kommunekode is not null
        {% if 'person_id' in (adapter.get_columns_in_relation(this) | map(attribute='name')) %}
        union all
        -- a person whose id has changed since (the CPR register linked two numbers): the municipality is computed again
        select t.kommunekode from {{ this }} as t
        where t.person_id not in (select person_id from {{ source('leverancer', 'person_noegle') }})
        {% endif %}
        {% endif %}
        {% endif %}
    )
{% endmacro %}

{# Pre-hook. #}
{% macro skive_find() %}
    {% set kolonner = skive_kolonner() %}
    {% if execute and kolonner %}
        {% if not is_incremental() %}
            drop table if exists {{ skive_tabel() }};
        {% else %}
            {% set ophav = skive_ophav() %}
            create or replace table {{ skive_tabel() }} as
            {{ skive_beroert(kolonner, ophav) }}
            select distinct {{ kolonner | join(', ') }} from beroert;
            {% if kolonner == ['_leverance_id'] %}{{ husk_yderste(skive_tabel(), '_leverance_id') }}{% endif %}
        {% endif %}
    {% endif %}
{% endmacro %}

{# The systems whose raw tables a node rests on, through whatever lies between. #}
{% macro skive_systemer(node) %}
    {% set koe, set_, systemer = node.depends_on.nodes | list, [], [] %}
    {% for _ in range(500) %}
        {% if koe %}
            {% set id = koe.pop(0) %}
            {% if id not in set_ %}
                {% do set_.append(id) %}
                {% if id.startswith('source.') %}
                    {% if graph.sources[id].source_name not in ('opsaetning', 'leverancer', 'kvalitet') %}{% do systemer.append(graph.sources[id].source_name) %}{% endif %}
                {% elif id.startswith('model.') %}{% do koe.extend(graph.nodes[id].depends_on.nodes) %}
                {% endif %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {{ return(systemer | unique | list) }}
{% endmacro %}

{#
  Whether none of the touched deliveries is of the systems a relation rests on. Asked where a model by delivery reads several fagområder: the planner does not see
  it, and a view that looks across deliveries is then computed whole to find that none of its rows is wanted.
#}
{% macro skive_uberoert(relation) %}
    {% if execute and skive_kolonner() == ['_leverance_id'] %}
        {% set noder = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', relation.identifier) | list %}
        {% set egne = skive_systemer(noder[0]) if noder else [] %}
        {% set ophav = skive_ophav() %}
        {% if egne and (ophav.kilder | map(attribute='source_name') | reject('in', egne) | list) %}
            {% set svar = run_query(skive_beroert(['_leverance_id'], ophav) ~ " select count(*) from " ~ source('leverancer', 'leverance')
                ~ " where kildesystem in (" ~ skive_liste(egne) ~ ") and leverance_id in (select _leverance_id from beroert)") %}
            {{ return(svar.columns[0].values()[0] == 0) }}
        {% endif %}
    {% endif %}
    {{ return(false) }}
{% endmacro %}

{# Whether the model is now to take its touched slices alone: not at the first build, at full refresh, and when something upstream was rebuilt whole. #}
{% macro skive_for_skive() %}
    {{ return(skive_kolonner() and is_incremental() and not skive_alt(skive_ophav().modeller)) }}
{% endmacro %}

{# The condition that a row is of a touched slice. #}
{% macro skive_betingelse() -%}
    {%- set kolonner = skive_kolonner() -%}
    ({{ kolonner | join(', ') }}) in (select {{ kolonner | join(', ') }} from {{ skive_tabel() }})
    {%- if kolonner == ['_leverance_id'] %}
                {{ inden_for_yderste('_leverance_id') }}
    {%- endif %}
{%- endmacro %}

{# The relation narrowed to the touched slices; all of it when the model is built whole. #}
{% macro kun_beroerte(relation) %}
    {%- if skive_for_skive() -%}
        {%- if skive_uberoert(relation) -%}
        (select * from {{ relation }} where false)
        {%- else -%}
        (
            select * from {{ relation }}
            where {{ skive_betingelse() }}
        )
        {%- endif -%}
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{% endmacro %}

{% macro get_incremental_skive_sql(arg_dict) %}
    {%- set maal = arg_dict['target_relation'] -%}
    {%- set ny = arg_dict['temp_relation'] -%}
    {%- set kolonner = skive_kolonner() -%}
    {%- set alt = skive_alt(skive_ophav().modeller) -%}
    {%- set i_skiver = 'true' if alt else '(' ~ kolonner | join(', ') ~ ') in (select ' ~ kolonner | join(', ') ~ ' from ' ~ skive_tabel() ~ ')' -%}
    {%- set alle = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {{ skive_noter(maal, ny, i_skiver, arg_dict['dest_columns'] | map(attribute='name') | list) }}
    delete from {{ maal }} where {{ i_skiver }};
    insert into {{ maal }} ({{ alle }}) select {{ alle }} from {{ ny }};
{% endmacro %}

{# What the models after this one must look at: municipality and month of the rows taken out and put in, or what the model's own macro says. #}
{% macro skive_noter(maal, ny, i_skiver, kolonner) %}
    {%- set egen = (config.get('meta') or {}).get('beroert') -%}
    {%- if egen %}
    insert into drift.beroert
    select '{{ model.name }}', (select max(koersel) from drift.koersel), b.kommunekode, b.periode
    from ({{ context[egen](maal, ny, i_skiver) }}) as b;
    -- What the model's macro names is what counts for the models after it; the quality rules ask whose rows have moved at all.
    insert into drift.beroert
    select distinct '{{ model.name }}:raekker', (select max(koersel) from drift.koersel), b.kommunekode, cast(null as date)
    from (
        select kommunekode from {{ maal }} where {{ i_skiver }}
        union all
        select kommunekode from {{ ny }}
    ) as b;
    {%- elif 'kommunekode' in kolonner %}
    {%- set periode = 'periode' if 'periode' in kolonner else 'cast(null as date) as periode' %}
    insert into drift.beroert
    select distinct '{{ model.name }}', (select max(koersel) from drift.koersel), b.kommunekode, b.periode
    from (
        select kommunekode, {{ periode }} from {{ maal }} where {{ i_skiver }}
        union all
        select kommunekode, {{ periode }} from {{ ny }}
    ) as b;
    {%- endif %}
{% endmacro %}

{# Post-hook of every seed and model, in its own transaction: it is built and not tested; and how far it has come. #}
{% macro skive_gem() %}
    {% if execute %}
        insert into drift.bygget select '{{ model.name }}', max(koersel), null from drift.koersel;
    {% endif %}
    {% if execute and skive_kolonner() %}
        {% set ophav = skive_ophav() %}
        {% if not is_incremental() %}
        insert into drift.beroert select '{{ model.name }}', (select max(koersel) from drift.koersel), '*', null;
        {% endif %}
        {% if ophav.kilder %}
        delete from drift.behandlet where model = '{{ model.name }}' and leverance_id not in ({{ skive_aktive(ophav.kilder) }});
        insert into drift.behandlet
        select '{{ model.name }}', leverance_id from (
            {{ skive_aktive(ophav.kilder) }}
            except
            select leverance_id from drift.behandlet where model = '{{ model.name }}'
        );
        {% endif %}
        delete from drift.tilstand where model = '{{ model.name }}';
        insert into drift.tilstand select '{{ model.name }}', max(koersel) from drift.koersel;
    {% endif %}
{% endmacro %}

{#
  For tests: the slices of an incremental model that its last run touched, and of a view over such models (drift.visning, which `flis build` writes: flis.build.moved_rows) the
  slices of those; of a staging view the deliveries its tests have not passed on yet; the whole table when it was built whole or never tested since, for other models,
  and with `--vars '{alt: true}'` (on demand and nightly). A key that is doubled across slices is impossible when the slice's columns are part of the key;
  where they are not, the nightly run of all finds it. `af` is another relation with the slice's columns, narrowed to the model's slices.
#}
{% macro beroert_udsnit(model, af=none) %}
    {%- if execute and not var('alt', false) -%}
        {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ model.identifier) -%}       {#- none of a seed -#}
        {%- if node and node.fqn[1] == 'staging' -%}
            {{ return("(select * from " ~ model ~ " where _leverance_id in (select leverance_id from " ~ source('leverancer', 'leverance') ~ " where status = 'aktiv'"
                ~ " except select leverance_id from drift.behandlet where model = '" ~ model.identifier ~ "'))") }}
        {%- endif -%}
        {%- set skiver = skive_proevede(model.identifier, node) if node and node.config.materialized in ('incremental', 'view') else [] -%}
        {%- if skiver -%}
            {%- set kolonner = graph.nodes['model.' ~ project_name ~ '.' ~ skiver[0]].config.meta.skive | join(', ') -%}
            {%- set lister = [] -%}
            {%- for navn in skiver -%}{%- do lister.append("select " ~ kolonner ~ " from " ~ skive_tabel(navn)) -%}{%- endfor -%}
            {{ return("(select * from " ~ (af or model) ~ " where (" ~ kolonner ~ ") in (" ~ lister | join(" union all ") ~ "))") }}
        {%- endif -%}
    {%- endif -%}
    {{ return(af or model) }}
{% endmacro %}

{#
  The incremental models whose lists of touched slices hold all of a model's rows that no passed test has looked at: itself, or those it is a view over. None where
  the lists do not: one of them was built whole (the list is dropped, which is asked of the catalogue and not of dbt's cache), or slices of an earlier run were never
  tested (it was killed, a test failed, or the view was not there to be tested) and are in no list any more.
#}
{% macro skive_proevede(navn, node) %}
    {%- set svar = run_query("
        with lagrede as (
            select af from drift.visning where model = '" ~ navn ~ "'
            " ~ ("union all select '" ~ navn ~ "'" if node.config.get('incremental_strategy') == 'skive' else '') ~ "
        )
        select l.af from lagrede as l
        where
            not exists (
                select 1 from lagrede as u where 'skive__' || u.af not in (select table_name from information_schema.tables where table_schema = 'drift')
            )
            and not exists (
                select 1 from drift.bygget as b
                where (b.model = '" ~ navn ~ "' or b.model in (select u.af from lagrede as u)) and b.signatur is null and b.koersel < (select max(k.koersel) from drift.koersel as k)
            )
            and (select max(b.koersel) from drift.bygget as b where b.model in (select u.af from lagrede as u) and b.signatur is not null)
            <= (select max(b.koersel) from drift.bygget as b where b.model = '" ~ navn ~ "' and b.signatur is not null)
        order by l.af
    ") -%}
    {%- set navne = svar.columns[0].values() | list -%}
    {%- set slags = [] -%}
    {%- for n in navne -%}{%- do slags.append(graph.nodes['model.' ~ project_name ~ '.' ~ n].config.meta.skive | join(', ')) -%}{%- endfor -%}
    {{ return(navne if slags | unique | list | length == 1 else []) }}
{% endmacro %}
