-- What is known of files beyond their bytes. A row of `object` belongs to one file, named by its inode, size and time of
-- change: a row whose file is no longer at its key says nothing, and a file without a row was written in place.
CREATE TABLE IF NOT EXISTS object (
    bucket  TEXT    NOT NULL,
    key     BLOB    NOT NULL,
    ino     INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    mtime   INTEGER NOT NULL,  -- nanoseconds
    etag    TEXT    NOT NULL,
    meta    TEXT    NOT NULL,
    pending INTEGER NOT NULL,  -- 1: a put or delete of the key is under way; looked at again when the store opens
    PRIMARY KEY (bucket, key, ino, size, mtime)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS object_pending ON object (bucket, key) WHERE pending = 1;

CREATE TABLE IF NOT EXISTS upload (
    bucket    TEXT NOT NULL,
    key       BLOB NOT NULL,
    id        TEXT NOT NULL,
    initiated REAL NOT NULL,
    meta      TEXT NOT NULL,
    phase     TEXT NOT NULL,   -- open, completing, done
    ended     REAL,
    ino       INTEGER,         -- of the file that it becomes, from `completing` on
    size      INTEGER,
    mtime     INTEGER,
    etag      TEXT,
    result    TEXT,            -- the metadata of the object
    PRIMARY KEY (bucket, key, id)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS upload_phase ON upload (phase, ended);

CREATE TABLE IF NOT EXISTS part (
    upload   TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    file     TEXT    NOT NULL,
    size     INTEGER NOT NULL,
    etag     TEXT    NOT NULL,
    modified REAL    NOT NULL,
    meta     TEXT    NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;

-- Buckets that keep versions, or once did.
CREATE TABLE IF NOT EXISTS bucket (
    name       TEXT PRIMARY KEY,
    versioning TEXT NOT NULL   -- Enabled, Suspended
) WITHOUT ROWID;

-- One row for each version of a key, the current one among them. The row is the commit: from it on the version is there,
-- and what the key holds follows (versions.py).
CREATE TABLE IF NOT EXISTS version (
    bucket   TEXT    NOT NULL,
    key      BLOB    NOT NULL,
    seq      INTEGER NOT NULL,  -- the order of a key's versions: microseconds, the newest has the highest
    id       TEXT    NOT NULL,
    phase    INTEGER NOT NULL,  -- 0 settled, 1 arriving, 2 leaving: from 1 and 2 on, the key may have to follow yet
    marker   INTEGER NOT NULL,  -- 1: a delete marker
    file     TEXT,              -- in .clary/versions; NULL: a marker, or bytes that are not kept
    ino      INTEGER,
    size     INTEGER,
    mtime    INTEGER,
    modified REAL    NOT NULL,
    PRIMARY KEY (bucket, key, seq)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS version_file ON version (bucket, key, ino);
CREATE INDEX IF NOT EXISTS version_id ON version (bucket, key, id);
CREATE INDEX IF NOT EXISTS version_unsettled ON version (bucket, key) WHERE phase != 0;

-- The bytes of small objects whose files are not yet known to be on the disk, in the order of their puts (fresh.py). One
-- put of a key replaces all before it.
CREATE TABLE IF NOT EXISTS fresh (
    seq    INTEGER PRIMARY KEY,
    bucket TEXT    NOT NULL,
    key    BLOB    NOT NULL,
    ino    INTEGER NOT NULL,
    size   INTEGER NOT NULL,
    mtime  INTEGER NOT NULL,
    data   BLOB    NOT NULL
);

CREATE TABLE IF NOT EXISTS fact (
    name  TEXT PRIMARY KEY,  -- boot: what the machine called its boot when the store was last opened
    value TEXT NOT NULL
) WITHOUT ROWID;
