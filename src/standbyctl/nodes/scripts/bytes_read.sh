# How much has been read so far by all processes that name a path, in bytes. Standard input: the path.
# By standard input and a pattern file, so that neither this shell nor grep names it. No number: it is not to be seen.
set -u
path=$(cat)
for each in $(printf '%s\n' "$path" | grep -slaF -f - /proc/[0-9]*/cmdline); do
    sed -n 's/^rchar: //p' "${each%cmdline}io" 2>/dev/null
done | awk '{ sum += $1 } END { if (NR) printf "%.0f\n", sum }'
