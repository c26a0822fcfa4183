# Whether a replication connection gets in. Arguments: bin directory, conninfo.
exec "$1/psql" -XAtqw -d "$2" -c IDENTIFY_SYSTEM
