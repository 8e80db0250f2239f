"""The statements of the SQLite store."""

from clary.kernel.sqlite_rows import COLUMNS

INSERT = """
INSERT INTO resource
    (kind, name, account, region, uid, arn, phase, parent, spec, status, version, created, modified, due)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
"""

UPDATE = """
UPDATE resource
SET phase = ?, spec = ?, status = ?, modified = ?, version = version + 1, lease = ?, hinted = 0, attempts = 0,
    due = CASE WHEN ? THEN due WHEN hinted THEN min(?, ?) ELSE ? END
WHERE uid = ? AND kind = ? AND version = ?
RETURNING due
"""

RENAME = """
UPDATE resource
SET name = ?, arn = ?, status = ?, modified = ?, version = version + 1, lease = 0, hinted = 0, attempts = 0
WHERE uid = ? AND kind = ? AND version = ?
RETURNING due
"""

DELETE = "DELETE FROM resource WHERE uid = ? AND kind = ? AND version = ?"

CLAIM = f"""
UPDATE resource
SET lease = ?, hinted = 0
WHERE id IN (
    SELECT id FROM resource INDEXED BY resource_due WHERE due <= ? AND lease <= ? ORDER BY due LIMIT ?)
RETURNING {COLUMNS}
"""

EXTEND = "UPDATE resource SET lease = ? WHERE uid = ? AND kind = ? AND version = ? AND lease > 0"

PUT_BACK = """
UPDATE resource
SET due = min(due, ?), lease = CASE WHEN lease > 0 THEN max(lease - ?, 1) ELSE 0 END
WHERE due IS NOT NULL
"""

RETRY = """
UPDATE resource SET lease = 0, hinted = 0, due = ?, attempts = attempts + 1
WHERE uid = ? AND kind = ? AND version = ?
RETURNING attempts
"""

HASTEN = """
UPDATE resource
SET due = min(due, ?), hinted = lease > 0
WHERE uid = ? AND due IS NOT NULL AND (due > ? OR lease > 0)
"""

# A leased row was due when it was claimed, so its lease alone says when it can be claimed again.
NEXT_DUE = """
SELECT min(at) FROM (
    SELECT * FROM (
        SELECT due AS at FROM resource INDEXED BY resource_due WHERE due IS NOT NULL AND lease = 0 ORDER BY due LIMIT 1)
    UNION ALL
    SELECT * FROM (
        SELECT lease AS at FROM resource INDEXED BY resource_lease WHERE lease > 0 ORDER BY lease LIMIT 1))
"""

EVENT = """
INSERT INTO event (type, kind, name, uid, account, region, old_phase, phase, at, resource)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

EVENTS = """
SELECT seq, type, kind, name, uid, account, region, old_phase, phase, at, resource
FROM event WHERE seq > ? ORDER BY seq LIMIT ?
"""

# Looks at the oldest few lines only, however long the outbox is.
TRIM = """
DELETE FROM event
WHERE seq IN (SELECT seq FROM event WHERE seq <= ? ORDER BY seq LIMIT ?) AND at < ?
"""

REFER = "INSERT OR IGNORE INTO reference (account, region, target, kind, uid) VALUES (?, ?, ?, ?, ?)"

UNREFER = "DELETE FROM reference WHERE uid = ? AND kind = ?"

REFERRING = """
SELECT uid FROM reference WHERE account = ? AND region = ? AND target = ? AND kind = ?
"""

REFERENCES = """
SELECT target, count(*) FROM reference WHERE account = ? AND region = ? AND target >= ? AND target < ? GROUP BY target
"""

# CROSS JOIN keeps the order: each target is one search, however many there are.
LINKED = """
SELECT wanted.value, reference.uid FROM json_each(?) AS wanted CROSS JOIN reference
WHERE reference.account = ? AND reference.region = ? AND reference.target = wanted.value AND reference.kind = ?
"""

_WANTED = """
FROM json_each(?) AS wanted CROSS JOIN resource INDEXED BY resource_arn
WHERE resource.arn = wanted.value AND resource.arn <> ''
"""

SEVERAL = f"SELECT {', '.join(f'resource.{name.strip()}' for name in COLUMNS.split(','))} {_WANTED}"

GLANCES = f"SELECT resource.arn, resource.phase, resource.created, resource.modified {_WANTED}"

ADVANCE = """
INSERT INTO cursor (subscriber, seq) VALUES (?, ?)
ON CONFLICT (subscriber) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq
"""
