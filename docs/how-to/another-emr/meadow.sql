-- The tables of Meadow, an invented EMR. They are its own: its host only reads them, and adds to the trail.
CREATE TABLE person (
    id INTEGER PRIMARY KEY, surname TEXT, forename TEXT, middle TEXT, called TEXT, born DATE, sex TEXT,
    health_number TEXT, province TEXT, state TEXT, doctor TEXT, merged_into INTEGER,
    covered_from DATE, covered_until DATE, card_version TEXT
);
CREATE TABLE staff (
    login TEXT PRIMARY KEY, surname TEXT, forename TEXT, prac_id TEXT, licence TEXT, has_left BOOLEAN, admin BOOLEAN
);
CREATE TABLE booking (
    id INTEGER PRIMARY KEY, person INTEGER, doctor TEXT, day DATE, at TIME, state TEXT, kind TEXT, why TEXT
);
CREATE TABLE granted (login TEXT, permission TEXT);
CREATE TABLE closed_chart (login TEXT, person INTEGER);
CREATE TABLE trail (
    id INTEGER PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP,
    login TEXT, action TEXT, noun TEXT, key TEXT, person INTEGER, detail TEXT
);
CREATE INDEX booking_of_person ON booking (person);
CREATE INDEX person_by_number ON person (health_number);
