"""The demo installation's set-up: who delivers what through which system, local fields, and what each recipient wants."""

from __future__ import annotations

from datetime import date, timedelta

from flis.demo.verden import Verden

# Christiansø lies outside the division into municipalities: the state runs it, so it has citizens but no ledger and no case system.
OUTSIDE = "0411"

OEKONOMI_FIXED = {"0101": "koer", "0751": "kmd_opus", "0563": "kmd_opus", "0851": "kmd_opus", "0825": "kmd_opus"}
OEKONOMI_CHANGE = {
    "0410": ("kmd_opus", "fujitsu_prisme"),
    "0420": ("oes_indsigt", "kmd_opus"),
    "0440": ("fujitsu_prisme", "kmd_opus"),
    "0450": ("kmd_opus", "oes_indsigt"),
    "0480": ("oes_indsigt", "fujitsu_prisme"),
    "0482": ("oes_indsigt", "kmd_opus"),
}
PERSONALE_FIXED = {"0101": "koebenhavn_loen", "0751": "sd_loen", "0563": "kmd_opus_loen"}
PERSONALE_CHANGE = {"0410": ("kmd_opus_loen", "sd_loen"), "0461": ("sd_loen", "kmd_opus_loen")}
SKOLE_FIXED = {"0101": "ist", "0751": "kmd_elev", "0563": "tea"}
SKOLE_CHANGE = {"0410": ("tea", "kmd_elev"), "0440": ("kmd_elev", "ist")}
VH_FIXED = {"0730": "eg_sensum", "0825": "eg_sensum"}
VH_CHANGE = {"0461": ("eg_sensum", "kmd_nexus"), "0265": ("eg_bosted", "kmd_nexus")}
WEEKLY, DAILY = "0751", "0563"
NOT_INSTRUCTED_VH = "0825"
NOT_INSTRUCTED_PERSONALE = "0185"
NOT_INSTRUCTED_SKOLE = "0187"
CPR_IN_OWN = "0615"       # gets CPR numbers in its own packages; no faults are planted there, so that no rule holds them back
VH_SILENT = "0155"        # Tårnby reports all of Dragør's services
DAILY_MONTHS = 2          # the daily beat was turned on this many months before the end


def build_setup(verden: Verden) -> None:
    """Fill `verden.opsaetning` and write the files of `<home>/opsaetning/`."""
    con = verden.con
    con.execute(
        """
        create table verden.opsaetning (
            kommunekode varchar, fagomraade varchar, kildesystem varchar, kadence varchar, gyldig_fra date, gyldig_til date, instrueret boolean
        )
        """
    )
    rows: list[tuple] = []
    codes = con.execute(
        f"""
        select
            kommunekode, {verden.pick(100, 'kommunekode', "'oekonomi'")}, {verden.pick(100, 'kommunekode', "'vh'")}, {verden.pick(100, 'kommunekode', "'personale'")},
            {verden.pick(100, 'kommunekode', "'skole'")}
        from verden.kommune
        order by kommunekode
        """
    ).fetchall()
    daily_from = verden.months[max(0, len(verden.months) - DAILY_MONTHS)]
    for code, draw_finance, draw_case, draw_payroll, draw_school in codes:
        # The register's full extract is made the day before the first period.
        rows.append((code, "borger", "cpr", "dag", verden.first - timedelta(days=1), None, True))
        rows.append((code, "borger", "dst_folk1a", "maaned", verden.first, None, True))
        rows.append((code, "faelles", "dst_officielle_tal", "maaned", verden.first, None, True))
        if code == OUTSIDE:
            continue
        finance = OEKONOMI_FIXED.get(code) or ("kmd_opus" if draw_finance < 60 else "fujitsu_prisme" if draw_finance < 85 else "oes_indsigt")
        if code == DAILY and daily_from > verden.first:
            rows.append((code, "oekonomi", finance, "maaned", verden.first, daily_from, True))
            rows.append((code, "oekonomi", finance, "dag", daily_from, None, True))
        else:
            beat = "uge" if code == WEEKLY else "dag" if code == DAILY else "maaned"
            rows += spans(verden, code, "oekonomi", OEKONOMI_CHANGE.get(code) or (finance,), beat, True)
        payroll = PERSONALE_FIXED.get(code) or ("kmd_opus_loen" if draw_payroll < 55 else "sd_loen")
        rows += spans(verden, code, "personale", PERSONALE_CHANGE.get(code) or (payroll,), "maaned", code != NOT_INSTRUCTED_PERSONALE)
        school = SKOLE_FIXED.get(code) or ("kmd_elev" if draw_school < 50 else "tea" if draw_school < 80 else "ist")
        rows += spans(verden, code, "skole", SKOLE_CHANGE.get(code) or (school,), "maaned", code != NOT_INSTRUCTED_SKOLE)
        if code == VH_SILENT:
            continue
        case = VH_FIXED.get(code) or ("eg_sensum" if draw_case < 45 else "kmd_nexus" if draw_case < 80 else "eg_bosted")
        rows += spans(verden, code, "voksne_handicap", VH_CHANGE.get(code) or (case,), "maaned", code != NOT_INSTRUCTED_VH)
    con.executemany("insert into verden.opsaetning values (?, ?, ?, ?, ?, ?, ?)", rows)

    folder = verden.home.setup
    con.execute(
        f"""
        copy (select * from verden.opsaetning order by kommunekode, fagomraade, gyldig_fra)
        to '{folder / "kommune_opsaetning.csv"}' (header, delimiter ',')
        """
    )
    con.execute(
        f"""
        copy (
            select felter.*
            from (
                values
                ('0851', 'kmd_opus', 'zd1sl', 'LOKAL_PROJEKT', 'Kommunens eget projektnummer på posteringen'),
                ('0751', 'sd_loen', 'ansaettelse', 'LOKAL_PROJEKT', 'Kommunens eget projekt, medarbejderen er knyttet til'),
                ('0751', 'kmd_elev', 'elev', 'LOKAL_HOLD', 'Kommunens eget hold, eleven går på ved siden af klassen'),
                ('0730', 'eg_sensum', 'ydelse', 'LOKAL_TEAM', 'Det team i kommunen der har sagen')
            ) as felter (kommunekode, kildesystem, tabel, felt, beskrivelse)
            where felter.kommunekode in (select k.kommunekode from verden.kommune as k)
            order by felter.kommunekode, felter.kildesystem
        ) to '{folder / "lokale_felter.csv"}' (header, delimiter ',')
        """
    )
    con.execute(
        f"""
        copy (
            select
                k.kommunekode,
                o.fagomraade,
                '*' as datasaet,
                case when k.kommunekode = '0173' and o.fagomraade = 'borger' then 'civilstand' else '' end as udelad_felter,
                case when k.kommunekode = '0461' then cast(date '{verden.change}' as varchar) else '' end as fra_periode,
                case k.kommunekode when '0751' then 'parquet' when '0147' then 'csv' else 'begge' end as format,
                k.kommunekode = '{CPR_IN_OWN}' and o.fagomraade <> 'oekonomi' as cpr,
                date '{verden.first}' as gyldig_fra,
                '' as gyldig_til
            from verden.kommune as k
            cross join (values ('borger'), ('oekonomi'), ('voksne_handicap'), ('personale'), ('skole')) as o (fagomraade)
            where k.kommunekode <> '{OUTSIDE}'
            order by all
        ) to '{folder / "pakke_oenske.csv"}' (header, delimiter ',')
        """
    )


def spans(verden: Verden, code: str, area: str, systems: tuple[str, ...], beat: str, instructed: bool) -> list[tuple]:
    """One row, or two with the change of system in the middle of the history."""
    if len(systems) == 1 or len(verden.months) == 1:
        return [(code, area, systems[-1], beat, verden.first, None, instructed)]
    end: date = verden.change
    return [
        (code, area, systems[0], beat, verden.first, end, instructed),
        (code, area, systems[1], beat, end, None, instructed),
    ]
