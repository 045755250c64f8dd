# Common to the scripts beside it: where things are, how they are said, how the services are spoken to.
# Every place may be given in the environment; what install.sh was given is remembered in $PREFIX/places.sh.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

if [ -z "${PREFIX:-}" ] && [ -f "$HERE/../../places.sh" ]; then PREFIX=$(cd "$HERE/../.." && pwd); fi
PREFIX=${PREFIX:-/opt/otklik}
# shellcheck disable=SC1091
if [ -f "$PREFIX/places.sh" ]; then . "$PREFIX/places.sh"; fi
DATA=${DATA:-/var/lib/otklik}
CONF=${CONF:-/etc/otklik}
BACKUPS=${BACKUPS:-/var/backups/otklik}
OWNER=${OWNER:-otklik}
UNITS=${UNITS:-/etc/systemd/system}
PYTHON=${PYTHON:-python3}
SERVICES=${SERVICES:-systemd} # systemd, none, or a program that is called with start and with stop
READY=${READY:-http://127.0.0.1:8000/readyz}
READY_SECONDS=${READY_SECONDS:-180}
for name in PREFIX DATA CONF BACKUPS; do printf -v "$name" '%s' "$(realpath -m "${!name}")"; done
export PREFIX LC_ALL=C.UTF-8 PYTHONUTF8=1
umask 022

say() { printf '%s\n' "$*"; }
fail() {
  printf 'Отказ: %s\n' "$*" >&2
  exit 1
}

current() { basename "$(readlink "$PREFIX/current" 2>/dev/null || true)"; }

# Run as the services do: by their user.
owned() {
  if [ "$(id -u)" -eq 0 ] && [ "$OWNER" != root ]; then
    (umask 077 && cd "$DATA" && runuser -u "$OWNER" -- "$@")
  else
    (umask 077 && cd "$DATA" && "$@")
  fi
}

# with_settings VERSION PROGRAM…: a program of that version, with the settings of the services.
with_settings() {
  local of=$PREFIX/$1
  shift
  owned env "HOME=$DATA" "OTKLIK_BACKUPS=$BACKUPS" "PATH=$of/bin:$PATH" "$of/bin/python" "$of/deploy/with_settings.py" "$CONF/otklik.env" "$@"
}

# otklik VERSION COMMAND…: a command of the product of that version.
otklik() {
  local version=$1
  shift
  with_settings "$version" otklik "$@"
}

services() {
  case "$SERVICES" in
    none) ;;
    systemd) systemctl "$1" otklik.target ;;
    *) "$SERVICES" "$1" 9>&- ;; # what it starts must not hold the lock of an update
  esac
}

answers() {
  "$PYTHON" - "$READY" <<'PY'
import json, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
        sys.exit(json.load(answer).get("status") != "ready")
except OSError:
    sys.exit(1)
PY
}

# wait_ready: within READY_SECONDS the system must say that it works.
wait_ready() {
  local until=$((SECONDS + READY_SECONDS))
  while ! answers; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 1
  done
}

stop_services() {
  services stop
  [ "$SERVICES" != none ] || return 0
  local until=$((SECONDS + 90))
  while answers; do
    [ "$SECONDS" -lt "$until" ] || { say "Службы не остановились: $READY ещё отвечает." >&2; return 1; }
    sleep 1
  done
}

maintenance() {
  case "$1" in
    on) : >"$PREFIX/maintenance/on" ;;
    off) rm -f "$PREFIX/maintenance/on" ;;
  esac
}

# check_bundle DIR: whole, and made for this machine.
check_bundle() {
  [ -f "$1/SHA256SUMS" ] && [ -f "$1/VERSION" ] && [ -f "$1/PYTHON" ] || fail "«$1» — не установочный архив Отклика."
  (cd "$1" && sha256sum --strict --quiet -c SHA256SUMS) >&2 ||
    fail "архив повреждён: контрольные суммы не сошлись. Скопируйте его заново и повторите."
  [[ "$(cat "$1/VERSION")" =~ ^[0-9][0-9A-Za-z.+]*$ ]] || fail "в архиве непонятный номер версии."
  local needed have
  needed=$(cat "$1/PYTHON")
  command -v "$PYTHON" >/dev/null || fail "нет Python. Установите: apt install python3 python3-venv"
  have=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [ "$needed" = "$have" ] ||
    fail "архив собран для Python $needed, а здесь $have. Возьмите архив для $have или укажите PYTHON=/путь/к/python$needed"
}

# unpack ARCHIVE DIR: print the folder inside that holds the bundle.
unpack() {
  if [ -f "$1.sha256" ]; then
    [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$(cut -d' ' -f1 "$1.sha256")" ] ||
      fail "архив повреждён: сумма не та, что в $1.sha256. Скопируйте его заново и повторите."
  fi
  rm -rf "$2"
  mkdir -p "$2"
  tar -xf "$1" --no-same-owner -C "$2" 2>/dev/null || fail "архив не распаковывается: он обрезан или места нет. Скопируйте его заново и повторите."
  set -- "$2"/*/
  [ -f "${1}VERSION" ] || fail "в архиве нет Отклика."
  printf '%s\n' "${1%/}"
}

# put_version DIR VERSION: a new environment beside the others; whole or absent.
put_version() {
  local target=$PREFIX/$2
  [ ! -f "$target/VERSION" ] || return 0
  rm -rf "$target"
  "$PYTHON" -m venv "$target"
  "$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-index --isolated \
    --find-links "$1/wheels" --require-hashes -r "$1/requirements.txt"
  cp -R "$1/deploy" "$1/docs" "$1/licences" "$target/"
  chmod -R go=u-w "$target"
  cp "$1/VERSION" "$target/VERSION"
}

switch_to() {
  ln -s "$1" "$PREFIX/current.new"
  mv -T "$PREFIX/current.new" "$PREFIX/current"
}

# Units of systemd with the places of this machine.
put_units() {
  [ "$SERVICES" = systemd ] || [ "$UNITS" != /etc/systemd/system ] || return 0
  mkdir -p "$UNITS/otklik-.service.d"
  local unit
  for unit in $(cd "$1/systemd" && echo otklik*.* otklik-.service.d/*); do
    [ -f "$1/systemd/$unit" ] || continue
    sed -e "s#/opt/otklik#$PREFIX#g" -e "s#/var/lib/otklik#$DATA#g" -e "s#/etc/otklik#$CONF#g" \
      -e "s#/var/backups/otklik#$BACKUPS#g" -e "s#^\(User\|Group\)=otklik#\1=$OWNER#" \
      "$1/systemd/$unit" >"$UNITS/$unit"
  done
  [ "$SERVICES" != systemd ] || systemctl daemon-reload
}

# The page that nginx shows while the file `on` is there.
put_page() {
  mkdir -p "$PREFIX/maintenance"
  cp "$1/maintenance.html" "$PREFIX/maintenance/page.html"
  chmod 755 "$PREFIX/maintenance"
  chmod 644 "$PREFIX/maintenance/page.html"
}
