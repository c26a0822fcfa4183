# What stands around the files of a copy that something else has put there: key=value lines. It changes nothing. Run as
# the server's user. Arguments: its data directory, bin directory, the primary's data directory, what a postgresql.conf
# of its own host is called (empty where it is to be in the copy).
data=$1 bin=$2 primary=$3 config=$4
say() { printf '%s=%s\n' "$1" "$2"; }

for name in PG_VERSION global/pg_control base global pg_wal; do
    [ -e "$data/$name" ] || say missing "$name"
done
[ -n "$config" ] || for name in postgresql.conf pg_hba.conf; do
    [ -e "$data/$name" ] || say missing "$name"
done
say major "$(head -n 1 -- "$data/PG_VERSION" 2>/dev/null)"
say mode "$(stat -L -c %a -- "$data" 2>/dev/null)"
# Two levels: a restore by somebody else leaves everything to them, and below there may be a million files.
find -L "$data" -maxdepth 2 ! -user "$(id -un)" 2>/dev/null | head -n 3 | while IFS= read -r path; do say foreign "$path"; done
# A link, or a mount, that leads to the very files of the primary. On another host its path may be just our own.
[ "$(readlink -f -- "$data")" = "$(readlink -f -- "$primary")" ] || for name in . pg_wal base global global/pg_control; do
    [ ! "$data/$name" -ef "$primary/$name" ] || say shared "$data/$name"
done
# Where its tablespaces are, or will be: beside a backup_label the map has the last word, whatever the links say.
{
    for link in "$data"/pg_tblspc/*; do
        [ ! -L "$link" ] || readlink -- "$link"
    done
    [ ! -f "$data/backup_label" ] || cut -d' ' -f2- -- "$data/tablespace_map" 2>/dev/null
} | sort -u | while IFS= read -r path; do
    if ! [ -d "$path" ]; then
        say missing "$path"
    elif ! [ -O "$path" ]; then
        say foreign "$path"
    fi
    [ "$(readlink -f -- "$data")" = "$(readlink -f -- "$primary")" ] || for other in "$primary"/pg_tblspc/*; do
        [ ! "$path" -ef "$other" ] || say shared "$path"
    done
done
"$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n \
    -e 's/^Database system identifier: */system_identifier=/p' \
    -e 's/^Database cluster state: */state=/p' \
    -e "s/^Latest checkpoint's TimeLineID: */timeline=/p" \
    -e 's/^Latest checkpoint location: */checkpoint=/p' \
    -e "s/^Latest checkpoint's REDO location: */redo=/p" \
    -e 's/^Minimum recovery ending location: */minimum=/p' \
    -e 's/^Bytes per WAL segment: */segment_bytes=/p'
say control "$(sha256sum <"$data/global/pg_control" 2>/dev/null | cut -d' ' -f1)"
if [ -f "$data/backup_label" ]; then
    say label yes
    sed -n -e 's|^START WAL LOCATION: \([0-9A-F/]*\).*|label_lsn=\1|p' -e 's/^START TIMELINE: */label_timeline=/p' \
        -e 's/^INCREMENTAL FROM LSN: */incremental=/p' "$data/backup_label"
fi
# Where it left the timelines before its own: two may have the same number.
timeline=$("$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n "s/^Latest checkpoint's TimeLineID: *//p")
history=$data/pg_wal/$(printf '%08X.history' "${timeline:-0}")
[ ! -r "$history" ] || sed -n 's/^ *\([0-9][0-9]*[[:space:]][[:space:]]*[0-9A-F]*\/[0-9A-F]*\).*/left=\1/p' "$history"
for file in postgresql.conf postgresql.auto.conf; do
    sed -n "s/^ *restore_command *=* *'\(.*\)' *\(#.*\)\{0,1\}$/restore_command=\1/p" "$data/$file" 2>/dev/null
done
say end yes
