# What demote.sh has put into a data directory ($data), taken out again. Argument: names of settings, with a | after each.
# What else was changed there since stays. What was put aside goes last: with it, it can be done again.
unseal() {
    cp -p -- "$data/postgresql.auto.conf" "$data/.standbyctl-auto.conf"
    {
        grep -viE "^[[:space:]]*(${1%|})[[:space:]=]" "$data/postgresql.auto.conf" || :
        grep -iE "^[[:space:]]*(${1%|})[[:space:]=]" "$data/.standbyctl-auto.conf.was" || :
    } >"$data/.standbyctl-auto.conf"
    sync -- "$data/.standbyctl-auto.conf"
    mv -- "$data/.standbyctl-auto.conf" "$data/postgresql.auto.conf"
    rm -f -- "$data/standby.signal"
    sync -- "$data"
    rm -f -- "$data/.standbyctl-auto.conf.was"
}
# $came: what a server has become that was started while a standby.signal was put there: primary or standby, by whether
# it was there already when it looked. Empty where it has not come so far.
became() {
    came= n=0
    while [ $n -lt 150 ] && alive "$data"; do
        case $("$bin/pg_controldata" -D "$data" | sed -n 's/^Database cluster state: *//p') in
        'in production') came=primary ;;
        'in archive recovery') came=standby ;;
        esac
        [ -z "$came" ] || break
        n=$((n + 1))
        sleep 0.2
    done
}
