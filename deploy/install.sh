#!/usr/bin/env bash
# Install the product from the unpacked bundle; no network is asked. Run again, it mends what is missing.
# shellcheck source=deploy/lib.sh
. "$(dirname "$0")/lib.sh"

BUNDLE=$(cd "$HERE/.." && pwd)
check_bundle "$BUNDLE"
VERSION=$(cat "$BUNDLE/VERSION")

# What this machine lacks, all of it at once.
lacking=() wanting=()
has() { command -v "$1" >/dev/null || PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }
"$PYTHON" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || lacking+=(python3-venv)
case "${DATABASE_URL:-}" in
  "") has psql || lacking+=(postgresql) ;;
esac
has nginx || wanting+=(nginx)
has tesseract || wanting+=(tesseract-ocr tesseract-ocr-rus)
has ocrmypdf || wanting+=(ocrmypdf)
[ ${#lacking[@]} -eq 0 ] || fail "не хватает пакетов системы. Установите с диска или из хранилища ОС: apt install ${lacking[*]}"
if [ "$SERVICES" = systemd ]; then
  [ "$(id -u)" -eq 0 ] || fail "нужны права root: sudo ./install.sh (без systemd: SERVICES=none PREFIX=… DATA=… CONF=… BACKUPS=…)"
  has systemctl || fail "нет systemd. Управляете службами иначе — укажите SERVICES=none или SERVICES=/путь/к/программе"
elif [ "$(id -u)" -ne 0 ]; then
  OWNER=$(id -un)
fi
case "$(current)" in
  "" | "$VERSION") ;;
  *) fail "здесь уже работает версия $(current). Обновить её: $PREFIX/current/deploy/update.sh архив" ;;
esac

if ! id "$OWNER" >/dev/null 2>&1; then
  useradd --system --user-group --home-dir "$DATA" --shell /usr/sbin/nologin "$OWNER"
fi
mkdir -p "$PREFIX" "$DATA" "$CONF" "$BACKUPS"
chmod 755 "$PREFIX"
chmod 750 "$DATA" "$CONF" "$BACKUPS"
if [ "$(id -u)" -eq 0 ]; then
  group=$(id -gn "$OWNER")
  chown "$OWNER:$group" "$DATA" "$BACKUPS"
  chown "root:$group" "$CONF"
fi
{
  echo "# Written by install.sh: where this installation is."
  for name in DATA CONF BACKUPS OWNER UNITS PYTHON SERVICES READY; do printf '%s=${%s:-%q}\n' "$name" "$name" "${!name}"; done
} >"$PREFIX/places.sh"

say "Отклик $VERSION: ставлю в $PREFIX/$VERSION…"
put_version "$BUNDLE" "$VERSION"
put_page "$BUNDLE/deploy"
put_units "$BUNDLE/deploy"
switch_to "$VERSION"
cp "$BUNDLE/deploy/otklik" "$PREFIX/otklik"
chmod 755 "$PREFIX/otklik"

if [ ! -f "$CONF/otklik.env" ]; then
  url=${DATABASE_URL:-postgresql:///otklik?host=/var/run/postgresql}
  printf '# Настройки служб Отклика; пароли внутри, права 0640.\nOTKLIK_DATA="%s"\nOTKLIK_BACKUPS="%s"\nDATABASE_URL="%s"\n' \
    "$DATA" "$BACKUPS" "$url" >"$CONF/otklik.env"
  chmod 640 "$CONF/otklik.env"
  [ "$(id -u)" -ne 0 ] || chgrp "$(id -gn "$OWNER")" "$CONF/otklik.env"
fi

say "Установлено. Дальше:"
[ -n "${DATABASE_URL:-}" ] || say "  1. База данных:        $PREFIX/current/deploy/create-database.sh"
say "  2. Первые шаги:        $PREFIX/current/deploy/init.sh   (или init.sh --file ответы.toml)"
say "  3. Сертификат и nginx: образец — $PREFIX/current/deploy/nginx/otklik.conf"
[ "$SERVICES" != systemd ] || say "  4. Запуск:             systemctl enable --now otklik.target otklik-web otklik-worker otklik-scheduler"
[ ${#wanting[@]} -eq 0 ] || say "Ещё понадобятся пакеты системы: apt install ${wanting[*]}"
say "Подробно: $PREFIX/current/docs/install-offline.md"
