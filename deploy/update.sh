#!/usr/bin/env bash
# Update to the version of a bundle: update.sh otklik-1.2.0-offline.tar. Whatever fails, the old version works again,
# with the database as it was. On further machines of the same system: update.sh --code-only (see install-offline.md).
# shellcheck source=deploy/lib.sh
. "$(dirname "$0")/lib.sh"

CODE_ONLY=no
if [ "${1:-}" = --code-only ]; then CODE_ONLY=yes && shift; fi
BUNDLE=${1:-$(cd "$HERE/.." && pwd)}
OLD=$(current)
[ -n "$OLD" ] || fail "в $PREFIX ничего не установлено. Начните с install.sh"
[ ! -f "$PREFIX/update.state" ] || fail "прошлое обновление прервано на середине. Сначала верните прежнюю версию: $PREFIX/current/deploy/rollback.sh"
[ -w "$PREFIX" ] || fail "нет прав на $PREFIX: запустите от имени root."
[ -e "$BUNDLE" ] || fail "нет файла «$BUNDLE»."

INCOMING=$PREFIX/.incoming
if [ -f "$BUNDLE" ]; then
  inside=$(unpack "$(readlink -f "$BUNDLE")" "$INCOMING")
else
  inside=$(cd "$BUNDLE" && pwd)
fi
cleared() { rm -rf "$INCOMING"; }
trap cleared EXIT
check_bundle "$inside"
NEW=$(cat "$inside/VERSION")
[ "$NEW" != "$OLD" ] || fail "версия $NEW уже стоит."
[ "$(printf '%s\n%s\n' "$OLD" "$NEW" | sort -V | tail -1)" = "$NEW" ] ||
  fail "в архиве версия $NEW, она старше установленной $OLD. Вернуть прежнюю версию: rollback.sh"
# The new version knows best how one comes to it.
if [ "$inside" != "$(cd "$HERE/.." && pwd)" ]; then
  trap - EXIT
  exec "$inside/deploy/update.sh" $([ "$CODE_ONLY" = no ] || echo --code-only)
fi

exec 9>"$PREFIX/update.lock"
flock -n 9 || fail "обновление уже идёт."

# Room: the environment, the archive of the database and files, and as much again to put it back.
declare -A needed=()
needs() {
  local disk
  disk=$(stat -c %d "$1")
  needed[$disk]=$((${needed[$disk]:-0} + $2))
  [ "$(df --output=avail -B1 "$1" | tail -1)" -ge "${needed[$disk]}" ] ||
    fail "мало места на диске, где $1: нужно $((${needed[$disk]} / 1048576 + 1)) МБ, свободно $(($(df --output=avail -B1 "$1" | tail -1) / 1048576)) МБ. Освободите место и повторите; ничего не изменено."
}
needs "$PREFIX" $(($(du -sb "$inside/wheels" | cut -f1) * 5))
if [ "$CODE_ONLY" = no ]; then
  kept=$(with_settings "$OLD" python "$PREFIX/$OLD/deploy/size.py") || fail "база данных не отвечает: посмотрите «Состояние системы»."
  needs "$BACKUPS" $((kept + 33554432))
  needs "$DATA" $((kept + 33554432))
fi

say "Отклик $OLD → $NEW."
say "1. Ставлю новую версию рядом; люди пока работают."
TOUCHED=no STOPPED=no BACKUP=""

back() {
  local why=$?
  trap - EXIT INT TERM
  set +e
  [ "$why" -ne 0 ] || why=1
  say "" >&2
  say "Обновление не удалось. Возвращаю версию $OLD." >&2
  if [ "$STOPPED" = yes ]; then
    services stop >&2
    if [ "$TOUCHED" = yes ]; then
      if ! otklik "$OLD" restore "$BACKUP" --replace >&2; then
        say "База НЕ возвращена. Службы стоят, копия цела: $BACKUP" >&2
        say "Освободите место или почините базу и выполните: $PREFIX/current/deploy/rollback.sh" >&2
        exit "$why"
      fi
      say "База и файлы возвращены из копии $BACKUP." >&2
    fi
    [ "$(current)" = "$OLD" ] || switch_to "$OLD"
    put_units "$PREFIX/$OLD/deploy"
    services start >&2
    if [ "$SERVICES" != none ] && ! wait_ready; then
      say "Версия $OLD запущена, но ещё не отвечает на $READY. Посмотрите журнал: journalctl -u otklik-web" >&2
      exit "$why"
    fi
    maintenance off
  fi
  rm -rf "$PREFIX/$NEW" "$PREFIX/update.state"
  cleared
  say "Работает прежняя версия $OLD, данные прежние." >&2
  exit "$why"
}
trap back EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

remember() {
  printf 'OLD=%q\nNEW=%q\nBACKUP=%q\nTOUCHED=%q\nAT=%q\n' "$OLD" "$NEW" "$BACKUP" "$TOUCHED" "$(date '+%d.%m.%Y %H:%M')" >"$PREFIX/$1"
}

put_version "$inside" "$NEW"
put_page "$inside/deploy"

if [ "$CODE_ONLY" = no ]; then
  say "2. Страница «Идёт обновление»; останавливаю службы."
else
  say "2. Останавливаю службы этой машины."
fi
maintenance on
STOPPED=yes
remember update.state
stop_services

if [ "$CODE_ONLY" = no ]; then
  say "3. Резервная копия."
  mkdir -p "$BACKUPS/updates"
  [ "$(id -u)" -ne 0 ] || chown "$OWNER" "$BACKUPS/updates"
  BACKUP=$BACKUPS/updates/$OLD-$NEW-$(date +%Y%m%d-%H%M%S).zip
  # This machine must be able to open it alone: unencrypted, as the database itself, and only until the next update.
  made=0
  OTKLIK_BACKUP_RECIPIENTS='' otklik "$OLD" backup "$BACKUP" || made=$?
  case "$made" in
    0) ;;
    2) say "   Части файлов не хватало и до обновления: они названы выше." ;;
    *) exit "$made" ;;
  esac
  say "4. Привожу базу к версии $NEW."
  TOUCHED=yes
  remember update.state
  otklik "$NEW" migrate --verbosity 0
  otklik "$NEW" load-defaults
fi

say "5. Переключаю и запускаю."
put_units "$inside/deploy"
switch_to "$NEW"
services start
if [ "$SERVICES" = none ]; then
  say "   Службами управляете вы: запустите их и проверьте $READY"
else
  wait_ready || { say "Новая версия не отвечает на $READY за $READY_SECONDS с." >&2; exit 1; }
fi
maintenance off

trap - EXIT INT TERM
remember last-update
rm -f "$PREFIX/update.state"
cp "$inside/deploy/otklik" "$PREFIX/otklik"
# What is older than the last version goes, with the copy made before it.
for folder in "$PREFIX"/*/; do
  name=$(basename "$folder")
  if [ -f "$folder/VERSION" ] && [ "$name" != "$OLD" ] && [ "$name" != "$NEW" ] && [ "$name" != current ]; then rm -rf "$folder"; fi
done
for old in "$BACKUPS"/updates/*.zip; do
  if [ -f "$old" ] && [ -n "$BACKUP" ] && [ "$old" != "$BACKUP" ]; then rm -f "$old"; fi
done
say "Готово: работает Отклик $NEW."
[ -z "$BACKUP" ] || say "Копия прежней базы: $BACKUP (внутри персональные данные). Вернуться: $PREFIX/current/deploy/rollback.sh"
if [ "$SERVICES" = systemd ] && [ -f /etc/nginx/conf.d/otklik.conf ] && ! cmp -s "$PREFIX/$OLD/deploy/nginx/otklik.conf" "$HERE/nginx/otklik.conf"; then
  say "Образец настройки nginx изменился: сравните с $PREFIX/current/deploy/nginx/otklik.conf"
fi
cleared
