# What time it is on this host. Arguments: the key.
printf '%s=%s\nend=yes\n' "$1" "$(date +%s.%N)"
