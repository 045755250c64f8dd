#!/usr/bin/env bash
# `otklik init` by the services' user; what it finds out goes into the settings of the services.
# shellcheck source=deploy/lib.sh
. "$(dirname "$0")/lib.sh"

[ -w "$CONF" ] || fail "нет прав на $CONF: запустите от имени root."
work=$DATA/init.env
trap 'rm -f "$work"' EXIT
cp "$CONF/otklik.env" "$work"
chmod 600 "$work"
[ "$(id -u)" -ne 0 ] || chown "$OWNER" "$work"
otklik current init --env "$work" "$@"
cat "$work" >"$CONF/otklik.env" # its owner and rights stay
