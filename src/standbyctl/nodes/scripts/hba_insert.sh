# Insert the line, unless it is there. More arguments: sha256 of the file as it was looked at, number of the line to
# put it before (empty: at the end).
if grep -qxF -e "$line" -- "$real"; then exit 0; fi
cp -p -- "$real" "$new"
if [ -n "$3" ]; then
    { head -n "$(($3 - 1))" -- "$real"; printf '%s\n' "$line"; tail -n "+$3" -- "$real"; } >"$new"
elif [ -z "$(tail -c 1 -- "$real")" ]; then
    { cat -- "$real"; printf '%s\n' "$line"; } >"$new"
else
    # A missing last newline stays missing.
    { cat -- "$real"; printf '\n%s' "$line"; } >"$new"
fi
replace "$2"
