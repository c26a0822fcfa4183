# Take the line out, wherever it is; every other byte stays.
if ! grep -qxF -e "$line" -- "$real"; then exit 0; fi
old=$(sha256sum <"$real" | cut -d' ' -f1)
end=
[ -n "$(tail -c 1 -- "$real")" ] || end=yes
cp -p -- "$real" "$new"
LINE=$line END=$end awk '
    $0 "" != ENVIRON["LINE"] "" { printf "%s%s%s", (n++ && !ENVIRON["END"]) ? "\n" : "", $0, ENVIRON["END"] ? "\n" : "" }
' <"$real" >"$new"
replace "$old"
