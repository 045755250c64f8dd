#!/usr/bin/env bash
# Make the role and the database in PostgreSQL; what is there already stays as it is.
# On this machine: as root. Elsewhere: PSQL='psql -h db.local -U postgres -d postgres', ROLE_PASSWORD=… for the new role.
# shellcheck source=deploy/lib.sh
. "$(dirname "$0")/lib.sh"

NAME=${NAME:-otklik}
ROLE=${ROLE:-$OWNER}
[[ "$NAME$ROLE" =~ ^[a-z_][a-z0-9_]*$ ]] || fail "имя базы и роли — строчные латинские буквы, цифры и «_»."
if [ -z "${PSQL:-}" ]; then
  [ "$(id -u)" -eq 0 ] || fail "нужны права root, или укажите PSQL='psql -h сервер -U postgres -d postgres'"
  PSQL="runuser -u postgres -- psql -d postgres"
fi
sql() { (cd / && $PSQL -v ON_ERROR_STOP=1 -X -q -A -t "$@"); }

version=$(sql -c 'SHOW server_version_num') || fail "PostgreSQL не отвечает. Запустите: systemctl start postgresql"
[ "$version" -ge 130000 ] || fail "нужен PostgreSQL 13 или новее, здесь $version."
if [ -z "$(sql -c "SELECT 1 FROM pg_roles WHERE rolname = '$ROLE'")" ]; then
  # The password comes by standard input: it is in no list of processes.
  if [ -n "${ROLE_PASSWORD:-}" ]; then
    printf "CREATE ROLE %s LOGIN PASSWORD '%s';\n" "$ROLE" "${ROLE_PASSWORD//\'/\'\'}" | sql
  else
    sql -c "CREATE ROLE $ROLE LOGIN"
  fi
  say "Роль $ROLE создана."
else
  say "Роль $ROLE уже есть."
fi
if [ -z "$(sql -c "SELECT 1 FROM pg_database WHERE datname = '$NAME'")" ]; then
  sql -c "CREATE DATABASE $NAME OWNER $ROLE ENCODING 'UTF8' TEMPLATE template0"
  say "База $NAME создана."
else
  owner=$(sql -c "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '$NAME'")
  [ "$owner" = "$ROLE" ] || fail "база $NAME принадлежит роли $owner, а не $ROLE."
  say "База $NAME уже есть."
fi
