"""The four families of genuine databases: in what their tables differ from those that `oscar_host.schema` makes.

As the tables of each were made by its own scripts, with all updates where it says so; older servers make tables in
latin1. SQLite knows neither engines nor collations, and adds no keys later: there only names differ.
"""

from dataclasses import dataclass

_LATIN1 = ("provider", "secUserRole", "secRole", "secObjPrivilege", "log")
_NO_PREFERRED_NAME = "ALTER TABLE {demographic} DROP COLUMN pref_name"
_JUNO_NAMES = (
    _NO_PREFERRED_NAME,
    "ALTER TABLE {demographic} RENAME COLUMN middleNames TO middle_name",
    "CREATE TABLE {demographicSets} (id INTEGER PRIMARY KEY, demographic_no INTEGER, set_name VARCHAR(20), "
    "eligibility CHAR(1), archive CHAR(1) DEFAULT '0')",
)
_WIDE_MRP = "ALTER TABLE {demographic} MODIFY provider_no VARCHAR(250)"
_FLAG = "SMALLINT NOT NULL DEFAULT"
_NEWER_ROLES = (
    *("DROP TABLE {secObjPrivilege}", "DROP TABLE {secRole}"),
    "CREATE TABLE {secRole} (role_no INTEGER PRIMARY KEY, role_name VARCHAR(60) NOT NULL, description VARCHAR(60), "
    f"system_managed {_FLAG} 0, parent_sec_role_id INTEGER, deleted_at DATETIME, deleted_by VARCHAR(6))",
    "CREATE TABLE {secObjPrivilege} (roleUserGroup VARCHAR(30) NOT NULL DEFAULT '', secRoleId INTEGER NOT NULL, "
    f"objectName VARCHAR(100) NOT NULL, inclusive {_FLAG} 1, privilege VARCHAR(100), permission_read {_FLAG} 0, "
    f"permission_update {_FLAG} 0, permission_create {_FLAG} 0, permission_delete {_FLAG} 0, priority INTEGER, "
    "provider_no VARCHAR(6), deleted_at DATETIME, PRIMARY KEY (secRoleId, objectName))",
    "ALTER TABLE {secUserRole} ADD COLUMN sec_role_id INTEGER",
    "CREATE TABLE {secDemographicSet} (id INTEGER PRIMARY KEY, provider_id VARCHAR(6) NOT NULL, "
    "set_name VARCHAR(20) NOT NULL, set_type VARCHAR(16) NOT NULL, deleted_at DATETIME)",
)


def _in_latin1(*names: str) -> tuple[str, ...]:
    return tuple(f"ALTER TABLE {{{name}}} CONVERT TO CHARACTER SET latin1 COLLATE latin1_swedish_ci" for name in names)


@dataclass(frozen=True)
class Family:
    """`changes` are SQL for both databases, `on_mariadb` what only MariaDB knows; `{name}` stands for a table."""

    changes: tuple[str, ...] = ()
    on_mariadb: tuple[str, ...] = ()
    middle_name: str = "middleNames"
    preferred_name: bool = False
    newer_roles: bool = False
    mrp_is_a_key: bool = False


FAMILIES = {
    "Open-O": Family(
        on_mariadb=("ALTER TABLE {demographic} MODIFY pref_name VARCHAR(30) NOT NULL DEFAULT ''",),
        preferred_name=True,
    ),
    "OSCAR 15": Family(
        (_NO_PREFERRED_NAME,),
        # The column of a visit's status stays binary, in whichever character set.
        (_WIDE_MRP, *_in_latin1("demographic", *_LATIN1)),
    ),
    "Juno": Family(
        _JUNO_NAMES,
        (_WIDE_MRP, *_in_latin1("demographic", *_LATIN1), "ALTER TABLE {log} ENGINE = MyISAM"),
        middle_name="middle_name",
    ),
    "Juno, with all updates": Family(
        (*_JUNO_NAMES, *_NEWER_ROLES),
        (
            *_in_latin1("secUserRole", "secRole", "secObjPrivilege", "demographicSets"),
            *("ALTER TABLE {log} ENGINE = MyISAM", "ALTER TABLE {log} MODIFY content VARCHAR(3000)", _WIDE_MRP),
            "ALTER TABLE {demographic} ADD CONSTRAINT demographic_provider_no_fk FOREIGN KEY (provider_no) "
            "REFERENCES {provider} (provider_no) ON DELETE SET NULL",
        ),
        middle_name="middle_name",
        newer_roles=True,
        mrp_is_a_key=True,
    ),
}
