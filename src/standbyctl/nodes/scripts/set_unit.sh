# Have systemd start a unit at boot, or not. Arguments: unit, enable or disable. As root.
set -eu
systemctl --quiet "$2" -- "$1"
