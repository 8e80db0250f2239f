-- Schema 1 of Clary's queues. Times are epoch seconds.

-- Where the messages of a queue lie. A purge gives the queue another place in one step; what lies in the old one, which
-- belongs to nobody then, goes in bites.
CREATE TABLE place (
    num   INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT
);
CREATE UNIQUE INDEX place_queue ON place (queue) WHERE queue IS NOT NULL;
CREATE INDEX place_dropped      ON place (num) WHERE queue IS NULL;

-- What changes with every receipt is small, and apart from the body: a receipt must not rewrite a megabyte.
CREATE TABLE message (
    seq      INTEGER PRIMARY KEY,
    place    INTEGER NOT NULL,
    visible  REAL    NOT NULL,            -- from when on it can be received
    receives INTEGER NOT NULL DEFAULT 0,  -- from this queue
    earlier  INTEGER NOT NULL DEFAULT 0,  -- from the queues that it was in before
    sent     REAL    NOT NULL,
    first    REAL    NOT NULL DEFAULT 0,  -- of its first receipt; 0: never
    taken    REAL    NOT NULL DEFAULT 0,  -- of its last receipt
    receipt  INTEGER NOT NULL DEFAULT 0,  -- random, new with every receipt
    origin   TEXT    NOT NULL DEFAULT ''
);
-- Receipts walk it from the left, counts walk it alone.
CREATE INDEX message_visible ON message (place, visible, receives, sent);
CREATE INDEX message_sent    ON message (place, sent);

CREATE TABLE content (
    seq   INTEGER PRIMARY KEY,
    id    TEXT NOT NULL,
    body  TEXT NOT NULL,
    about BLOB NOT NULL
);

CREATE TABLE task (
    name  TEXT    PRIMARY KEY,
    last  INTEGER NOT NULL,               -- messages behind this seq came later and stay
    moved INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
