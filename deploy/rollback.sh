#!/usr/bin/env bash
# Back to the version before the last update, with the database as it was then; or out of an update that was cut off.
# shellcheck source=deploy/lib.sh
. "$(dirname "$0")/lib.sh"

YES=no
[ "${1:-}" != --yes ] || YES=yes
[ -w "$PREFIX" ] || fail "нет прав на $PREFIX: запустите от имени root."
exec 9>"$PREFIX/update.lock"
flock -n 9 || fail "обновление ещё идёт."
CUT=no
if [ -f "$PREFIX/update.state" ]; then
  CUT=yes
  # shellcheck disable=SC1091
  . "$PREFIX/update.state"
elif [ -f "$PREFIX/last-update" ]; then
  # shellcheck disable=SC1091
  . "$PREFIX/last-update"
else
  fail "возвращать нечего: обновлений ещё не было."
fi
[ -f "$PREFIX/$OLD/VERSION" ] || fail "прежней версии $OLD в $PREFIX уже нет."
[ "$TOUCHED" = no ] || [ -f "$BACKUP" ] || fail "копии прежней базы нет: $BACKUP"

if [ "$CUT" = no ]; then
  say "Вернётся версия $OLD и данные на $AT. Всё, что записано после, останется только в копии, которую я сейчас сделаю."
  if [ "$YES" = no ]; then
    read -r -p "Вернуть? Напишите «да»: " word || word=""
    [ "$word" = да ] || fail "ничего не изменено."
  fi
fi

maintenance on
stop_services || true
trap 'say "Возврат не закончен: службы стоят, копия цела ($BACKUP). Почините и повторите rollback.sh." >&2' ERR
if [ "$CUT" = no ]; then
  printf 'OLD=%q\nNEW=%q\nBACKUP=%q\nTOUCHED=%q\nAT=%q\n' "$OLD" "$NEW" "$BACKUP" "$TOUCHED" "$AT" >"$PREFIX/update.state"
  if [ "$TOUCHED" = yes ]; then
    after=$BACKUPS/updates/after-$NEW-$(date +%Y%m%d-%H%M%S).zip
    made=0
    OTKLIK_BACKUP_RECIPIENTS='' otklik "$NEW" backup "$after" || made=$?
    if [ "$made" -ne 0 ] && [ "$made" -ne 2 ]; then
      rm -f "$PREFIX/update.state"
      services start
      maintenance off
      fail "копия нынешних данных не сделана, поэтому возврат не начат. Работает версия $NEW; освободите место и повторите."
    fi
    say "Нынешние данные: $after"
  fi
fi
if [ "$TOUCHED" = yes ]; then otklik "$OLD" restore "$BACKUP" --replace; fi
put_units "$PREFIX/$OLD/deploy"
[ "$(current)" = "$OLD" ] || switch_to "$OLD"
services start
if [ "$SERVICES" != none ]; then wait_ready; fi
maintenance off
rm -rf "$PREFIX/update.state" "$PREFIX/last-update" "${PREFIX:?}/$NEW"
say "Работает версия $OLD."
