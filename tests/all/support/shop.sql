-- What the connectors that read PostgreSQL find there.
CREATE SCHEMA shop;
CREATE TABLE shop.orders (
    id integer PRIMARY KEY,
    customer text NOT NULL,
    total numeric(10, 2),
    placed timestamptz NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    details jsonb
);
INSERT INTO shop.orders
SELECT n, 'customer ' || n % 3, n * 1.25, timestamptz '2025-01-01 00:00+00' + n * interval '1 hour',
       CASE WHEN n % 2 = 0 THEN '{even}'::text[] ELSE '{}'::text[] END, jsonb_build_object('n', n)
FROM generate_series(1, 5) AS n;
CREATE TABLE shop.removed_orders (id integer PRIMARY KEY, removed timestamptz NOT NULL);
INSERT INTO shop.removed_orders VALUES (2, '2025-01-02 00:00+00');
