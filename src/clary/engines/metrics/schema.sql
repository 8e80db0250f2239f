-- The metric store. See store.py for what each table holds and when it changes.

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,       -- JSON: [[name, value], ...], sorted by name
    unit TEXT NOT NULL,
    seen REAL NOT NULL,             -- the newest time that a value of it told (epoch seconds)
    UNIQUE (account, region, namespace, name, dimensions, unit)
);

-- What was answered and is in no chunk yet.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    records BLOB NOT NULL           -- JSON, see journal.py
);

CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    step INTEGER NOT NULL,          -- seconds a bucket: 1, 60, 300 or 3600
    block INTEGER NOT NULL,         -- where its block begins (epoch seconds)
    data BLOB NOT NULL,             -- see chunk.py
    spreads BLOB                    -- last, so that who does not ask for it does not read it
);
CREATE INDEX chunks_by_series ON chunks (series, step, block);
CREATE INDEX chunks_by_age ON chunks (step, block);
