"""`flis noegle`: which person a municipality's key stands for, for the one who owns the home.

The key in a workbook of rows to correct, and in the packages, is the person's id keyed anew for that municipality. Only the home knows both sides. A look-up is of one municipality's
keys, with a reason, and is noted in `drift.haendelse` with how many and why: never with the number itself.
"""

from __future__ import annotations

import re

from flis.core.database import connect, exists
from flis.core.home import Home
from flis.core.keys import hmac_sql, master_key, recipient_key, set_session_key
from flis.trail.events import record

KEY = re.compile(r"[0-9a-f]{32}")


class LookupFailed(Exception):
    """The look-up cannot be made; the message says why."""


def resolve(home: Home, kommune: str, keys: list[str], grund: str) -> dict[str, str | None]:
    """Per key the person's current CPR number, or None where the key is nobody's in that municipality. Notes the look-up before it answers."""
    asked = [key.strip().lower() for key in keys]
    if wrong := [key for key in asked if not KEY.fullmatch(key)]:
        raise LookupFailed(f"a key is 32 characters of 0-9 and a-f: {', '.join(wrong)}")
    if not home.db.exists() or not home.cpr_db.exists():
        raise LookupFailed(f"nothing has been loaded in {home.root}")
    with connect(home, write="flis") as con:
        if not exists(con, "raw", "person_noegle", "cpr"):
            raise LookupFailed(f"nothing has been loaded in {home.root}")
        set_session_key(con, recipient_key(master_key(home), kommune), "modtager")
        found = dict(con.execute(f"""
            select {hmac_sql('n.person_id', 'modtager')} as noegle, n.cpr
            from cpr.raw.person_noegle as n
            where {hmac_sql('n.person_id', 'modtager')} in (select unnest($1))
            qualify row_number() over (
                partition by n.person_id
                order by exists (select 1 from cpr.raw.person_noegle as f where f.person_id = n.person_id and f.tidligere_cpr = n.cpr), n.cpr desc
            ) = 1
        """, [asked]).fetchall())
        record(con, "noegle_opslag", kommune, None, grund=grund, antal=len(asked), fundet=len(found), noegler=sorted(asked))
    return {key: found.get(key) for key in asked}
