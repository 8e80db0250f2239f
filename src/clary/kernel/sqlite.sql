-- Schema 2 of Clary's store. Times are epoch seconds; spec, status and event.resource are JSON text in UTF-8.

CREATE TABLE resource (
    id       INTEGER PRIMARY KEY,
    kind     TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    region   TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    uid      TEXT    NOT NULL,
    arn      TEXT    NOT NULL,
    phase    TEXT    NOT NULL,
    parent   TEXT    NOT NULL,
    spec     BLOB    NOT NULL,
    status   BLOB    NOT NULL,
    version  INTEGER NOT NULL,
    created  REAL    NOT NULL,
    modified REAL    NOT NULL,
    due      REAL,                         -- when a reconciler should next look; NULL: not until something changes
    lease    REAL    NOT NULL DEFAULT 0,   -- until when a worker holds it; 0: nobody does
    hinted   INTEGER NOT NULL DEFAULT 0,   -- a hint came while a worker held it: the next look must not wait
    attempts INTEGER NOT NULL DEFAULT 0    -- looks that raised since the last successful write
);

-- One index for each order of a page; a page names the one it walks.
CREATE UNIQUE INDEX resource_name     ON resource (kind, account, region, name);
CREATE INDEX resource_created         ON resource (kind, account, region, created, name);
CREATE INDEX resource_modified        ON resource (kind, account, region, modified, name);
CREATE INDEX resource_phase           ON resource (kind, account, region, phase, name);
CREATE INDEX resource_phase_created   ON resource (kind, account, region, phase, created, name);
CREATE INDEX resource_parent          ON resource (kind, account, region, parent, name) WHERE parent <> '';
CREATE INDEX resource_parent_created  ON resource (kind, account, region, parent, created, name) WHERE parent <> '';

CREATE UNIQUE INDEX resource_uid      ON resource (uid, kind);
CREATE INDEX resource_arn             ON resource (arn) WHERE arn <> '';

-- What a claim walks: oldest due first. Leased rows in its way are no more than the workers that hold them.
CREATE INDEX resource_due             ON resource (due, lease) WHERE due IS NOT NULL;
CREATE INDEX resource_lease           ON resource (lease) WHERE lease > 0;

-- What a resource's status lists under "_refers", written with it: who refers to a name is found without looking at all.
CREATE TABLE reference (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    target  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    uid     TEXT NOT NULL,
    PRIMARY KEY (account, region, target, kind, uid)
) WITHOUT ROWID;
CREATE INDEX reference_source ON reference (uid, kind);

-- The outbox. AUTOINCREMENT: a seq is never given twice, also after the line was trimmed.
CREATE TABLE event (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    type      TEXT NOT NULL,
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    uid       TEXT NOT NULL,
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    old_phase TEXT NOT NULL,
    phase     TEXT NOT NULL,
    at        REAL NOT NULL,
    resource  BLOB NOT NULL
);

CREATE TABLE cursor (
    subscriber TEXT    PRIMARY KEY,
    seq        INTEGER NOT NULL
) WITHOUT ROWID;
