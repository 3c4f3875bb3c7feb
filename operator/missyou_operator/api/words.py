"""Names that PostgreSQL or RDS reserve."""

from __future__ import annotations

# PostgreSQL's reserved key words (its appendix C: "reserved", with or without "can be function or type"). RDS refuses
# them as a master user or database name ("is a reserved word used by the engine").
_POSTGRES = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into
    is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on
    only or order outer overlaps placing primary references returning right select session_user similar some
    symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when
    where window with
"""

#: All in lower case.
POSTGRES_RESERVED = frozenset(_POSTGRES.split())

#: Roles that RDS has or reserves. `postgres` is free: it is the name that the AWS console proposes.
RDS_USERS = frozenset({"admin", "rdsadmin", "rdsrepladmin", "postgres_admin", "master", "public", "none"})

#: Databases that exist in every instance and cannot be created, and the word that RDS reserves for itself. `postgres`
#: exists as well, but RDS accepts it.
RDS_DATABASES = frozenset({"rdsadmin", "template0", "template1", "db"})
