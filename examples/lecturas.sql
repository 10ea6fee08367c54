-- The table of readings for iotingest(1), in PostgreSQL: psql -f lecturas.sql; then
--	iotingest --durable archive --readings --format csv --linger 200 --sink "psql -qc '\copy lectura from pstdin csv'"
-- A message that comes again has a new received_at, so the key is made of what the device sent; payloads without a
-- timestamp have no key. It has to be done once; a week's readings of a sensor, as csv:
--	\copy (select * from lecturas where device_id = 'RPI_001' and received_at > now() - interval '7 days') to week.csv csv header
create table lecturas (
    received_at timestamptz not null,
    device_id text, sensor text not null, value text,
    "timestamp" text,
    topic text not null, qos smallint, retain boolean, mid integer);
create unique index lecturas_once on lecturas
    (md5(topic || ' ' || sensor || ' ' || "timestamp" ||
        ' ' || value));
-- What is copied into lectura goes into lecturas, once.
create table lectura (like lecturas);
create function lectura_once() returns trigger language plpgsql as $$
begin
    insert into lecturas values (new.*) on conflict do nothing;
    return null;
end $$;
create trigger lectura_once before insert on lectura
    for each row execute function lectura_once();
