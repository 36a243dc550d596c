#!/bin/bash
# From nothing to the first opt-out over HTTPS, with a clock: on an empty Debian.
#   tests/production/clean_root.sh FOLDER        root is needed; FOLDER is made, and kept
#
# The Debian is made by debootstrap. It has no network but its own while the site runs,
# so the ports of the documentation are free. What docs/operations.md says is done, in
# its order: clone, make serve, nginx before it; the site runs as a user without rights.
# What is not as it should be ends it, with 1.
set -euo pipefail
root=${1:?a folder for the Debian}
here=$(cd "$(dirname "$0")/../.." && pwd)
began=$(date +%s%N)
said() { printf '%6.1f s  %s\n' "$((($(date +%s%N) - began) / 100000000))e-1" "$*"; }
[ -x "$root/usr/sbin/nginx" ] || debootstrap --variant=minbase \
  --include=python3,python3-venv,ca-certificates,git,postgresql,nginx-light,redis-server,openssl,curl,procps,iproute2,make \
  bookworm "$root" >/dev/null
mkdir -p "$root/srv"
# The packages stay for the next run.
[ ! -d "$root/srv/campaign/.venv" ] || mv "$root/srv/campaign/.venv" "$root/srv/venv"
rm -rf "$root/srv/campaign"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev/shm" || { mkdir -p "$root/dev/shm" && mount -t tmpfs shm "$root/dev/shm"; }
[ -c "$root/dev/urandom" ] || mount --bind /dev "$root/dev"
trap 'umount --lazy "$root/dev/shm" "$root/proc" 2>/dev/null || true' EXIT
cd "$here"
began=$(date +%s%N)
git clone -q "$here" "$root/srv/campaign"
said "cloned"
# Where packages come from is this machine's to know: pip's variables, and a certificate.
cp /etc/resolv.conf "$root/etc/"
[ -z "${PIP_CERT:-}" ] || install -D "$PIP_CERT" "$root$PIP_CERT"
[ ! -d "$root/srv/venv" ] || mv "$root/srv/venv" "$root/srv/campaign/.venv"
chroot "$root" make --directory /srv/campaign --silent .venv/run
said "packages installed"
cat >"$root/srv/steps" <<'STEPS'
set -euo pipefail
began=$1
said() { printf '%6.1f s  %s\n' "$((($(date +%s%N) - began) / 100000000))e-1" "$*"; }
# Say what was found; end if it is not what it should be.
is() { said "$1: $2"; [ "$2" = "$3" ] || { said "WRONG: should be $3"; exit 1; }; }
cd /srv/campaign
ip link set lo up
id campaign >/dev/null 2>&1 || useradd --system --home-dir /nonexistent campaign
site=
end_all() {
  [ -z "$site" ] || { kill "$site" 2>/dev/null; wait "$site" || true; }
  nginx -s stop 2>/dev/null || true
  redis-cli shutdown nosave 2>/dev/null || true
  pg_ctlcluster 15 main stop -m fast || true
}
trap end_all EXIT
sed -i 's/^port = .*/port = 5432/' /etc/postgresql/15/main/postgresql.conf
pg_ctlcluster 15 main start
redis-server --save "" --daemonize yes >/dev/null
su postgres -c "psql -qc \"CREATE ROLE campaign LOGIN PASSWORD 'a'\"" || true
su postgres -c "dropdb --if-exists campaign; createdb --encoding UTF8 --template template0 --owner campaign campaign"
key() { .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(50))'; }
export DEBUG=0 DATABASE_URL=postgres://campaign:a@127.0.0.1/campaign
export SECRET_KEY=$(key) SUPPRESSION_KEYS=$(key) LEDGER_KEY=$(head -c 32 /dev/urandom | base64)
export ALLOWED_HOSTS=news.example.org BASE_URL=https://news.example.org TRUSTED_PROXIES=1
export DEFAULT_FROM_EMAIL=news@example.org EMAIL_URL=smtp://127.0.0.1:25
export CELERY_BROKER_URL=redis://127.0.0.1:6379/0
export VAR_DIR=/var/lib/campaign STATIC_ROOT=/var/lib/campaign/static
install -d -o campaign /var/lib/campaign
mkdir -p /etc/ssl/campaign
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=news.example.org \
  -keyout /etc/ssl/campaign/privkey.pem -out /etc/ssl/campaign/fullchain.pem 2>/dev/null
cp deploy/nginx/campaign.conf /etc/nginx/conf.d/
grep -q news.example.org /etc/hosts || echo "127.0.0.1 news.example.org" >>/etc/hosts
nginx
# The code is root's and nobody else's to change; the site runs without rights.
setpriv --reuid campaign --regid campaign --clear-groups --no-new-privs \
  --bounding-set -all make serve >/var/lib/campaign/log 2>&1 &
site=$!
get() { curl --silent --show-error --cacert /etc/ssl/campaign/fullchain.pem "$@"; }
for _try in $(seq 90); do
  get -o /dev/null -f https://news.example.org/healthz 2>/dev/null && break
  sleep 1
done
said "serves: $(get https://news.example.org/healthz)"
m() { .venv/bin/python manage.py "$@" 2>>/var/lib/campaign/commands.log; }
export DJANGO_SUPERUSER_PASSWORD=$(key)
m createsuperuser --no-input --username eva --email eva@example.org >/dev/null
jar=/tmp/cookies
get -c $jar -o /tmp/page https://news.example.org/admin/login/
csrf=$(sed -n 's/.*name="csrfmiddlewaretoken" value="\([^"]*\)".*/\1/p' /tmp/page | head -n 1)
get -b $jar -c $jar -o /tmp/after -L -e https://news.example.org/admin/login/ \
  --data-urlencode "csrfmiddlewaretoken=$csrf" --data-urlencode username=eva \
  --data-urlencode "password=$DJANGO_SUPERUSER_PASSWORD" -w '%{url_effective}\n' \
  https://news.example.org/admin/login/ >/tmp/where
is "console, signed in" "$(get -b $jar -o /dev/null -w '%{http_code}' "$(cat /tmp/where)")" 200
said "console leads to $(cat /tmp/where)"
style=$(grep -o '/static/[^"]*console/tokens[^"]*css' /tmp/page | head -n 1)
is "style" "$(get -o /dev/null -w '%{http_code}' "https://news.example.org$style")" 200
printf 'external_id,email\nfirst,first@example.org\n' >/tmp/people.csv
m import_profiles /tmp/people.csv --rejects /tmp/rejects >/dev/null
link=$(m make_link ext:first --one-click)
is "one-click" "$(get -o /dev/null -w '%{http_code}' -d List-Unsubscribe=One-Click "$link")" 200
is "opted out" "$(m show_profile ext:first --json | grep -c '"no_longer_contact_email": true')" 1
is "figures from outside" "$(get -o /dev/null -w '%{http_code}' https://news.example.org/metrics)" 404
here() { curl -s -o /tmp/answer -w '%{http_code}' "http://127.0.0.1:8000$1"; }
is "figures from here" "$(here /metrics)" 200
for _try in $(seq 90); do [ "$(here /readyz)" != 200 ] || break; sleep 1; done
is "a worker is seen" "$(here /readyz)" 200
# The clock asks for it each half minute: nobody else seals.
for _try in $(seq 120); do
  here /metrics >/dev/null
  sealed=$(sed -n 's/^campaign_consent_events_total{kind="opt_out",source="one_click"} //p' /tmp/answer)
  [ "${sealed:-0}" = 0.0 ] || break
  sleep 1
done
is "sealed by the clock" "$sealed" 1.0
m verify_consent >/dev/null && m verify_ledger >/dev/null && said "history and ledger agree"
is "backup" "$(m backup --to /var/lib/campaign/backups >/dev/null && echo made)" made
m doctor --no-network || true
kill "$site" && wait "$site" || true
site=
tail -n 1 /var/lib/campaign/log
STEPS
unshare --net chroot "$root" bash /srv/steps "$began"
said "first opt-out over HTTPS, and all ended"
