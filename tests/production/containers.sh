#!/bin/bash
# The Dockerfile and compose.yaml run for real, where no registry can be reached.
#   tests/production/containers.sh FOLDER       root is needed; FOLDER is made, and kept
#
# Debian's programs do it; it says which are missing. The images that the files name
# are made here from Debian's packages, under the same names: Python from trixie, which
# has 3.13; PostgreSQL 15 and Redis 7 from bookworm. What compose.yaml starts is looked
# at: migrated, healthy, read-only, nobody's root; an opt-out, sealed by the clock.
set -euo pipefail
packages=(podman buildah runc catatonit netavark aardvark-dns iptables docker-compose debootstrap curl openssl)
if missing=$(dpkg-query --show --showformat '${Package} ${Status}\n' "${packages[@]}" 2>&1 |
  grep -v ' ok installed$'); then
  printf '%s\n' "$missing" "Missing: apt install ${packages[*]}" >&2
  exit 2
fi
folder=${1:?a folder for the images}
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder/context" && cd "$folder"
# As little of the machine as a container needs: no systemd, and limits of its own.
cat >containers.conf <<'CONF'
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
CONF
export CONTAINERS_CONF=$PWD/containers.conf DOCKER_HOST=unix://$PWD/podman.sock
PATH=$PATH:/usr/sbin
has() { podman image exists "$1"; }
# debian NAME SUITE PACKAGES: an image of a Debian
debian() {
  has "$1" && return
  [ -d "$2" ] || debootstrap --variant=minbase --include="$3" "$2" "$2" >/dev/null
  mkdir -p "$2/usr/local/bin" && ln -sf /usr/bin/python3 "$2/usr/local/bin/python"
  tar -C "$2" --exclude='./var/cache/apt/archives/*.deb' -c . |
    podman import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' - "$1"
}
debian docker.io/library/python:3.13-slim-bookworm trixie ca-certificates,python3,python3-venv
debian localhost/servers bookworm postgresql,redis-server,util-linux,procps
cat >context/postgres-entry <<'ENTRY'
#!/bin/sh
# As much of the usual image's entry as compose.yaml asks for.
set -eu
export PGDATA=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres "$PGDATA" /var/run/postgresql && chmod 700 "$PGDATA"
  exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  initdb -E UTF8 --locale C.UTF-8 -U "$POSTGRES_USER" -A scram-sha-256 --pwfile /tmp/password
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl -w -s start -o "-c listen_addresses=''"
  PGPASSWORD=$POSTGRES_PASSWORD createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -w -s stop
fi
exec postgres -c listen_addresses='*'
ENTRY
printf '#!/bin/sh\nexec "$@" --protected-mode no\n' >context/redis-entry
chmod +x context/*-entry
build() { podman build --quiet --network host --format docker --tag "$1" --file - "${@:2}"; }
has postgres:15-bookworm || build docker.io/library/postgres:15-bookworm context <<'FILE'
FROM localhost/servers
COPY postgres-entry /usr/local/bin/
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
ENTRYPOINT ["postgres-entry"]
FILE
has redis:7-bookworm || build docker.io/library/redis:7-bookworm context <<'FILE'
FROM localhost/servers
COPY redis-entry /usr/local/bin/
USER redis
ENTRYPOINT ["redis-entry"]
CMD ["redis-server"]
FILE
# The certificate by which this machine reaches the packages is lent, and stays here.
certificates=/etc/ssl/certs/ca-certificates.crt
podman build --network host --format docker --pull=never --tag campaign \
  --volume "$certificates:$certificates:ro" "$here" >build.log 2>&1 ||
  { tail -n 20 build.log; exit 1; }
echo "built"

podman system service --time 0 "$DOCKER_HOST" >service.log 2>&1 &
service=$!
# Where there is no systemd, nobody asks for health by itself.
while sleep 3; do
  podman ps --quiet | xargs -r -n 1 podman healthcheck run >/dev/null 2>&1 || true
done &
health=$!
# Debian's docker-compose is older than the name at the top of the file.
grep -v '^name:' "$here/compose.yaml" >compose.yaml
key() { python3 -c 'import secrets; print(secrets.token_urlsafe(50))'; }
printf '%s\n' POSTGRES_PASSWORD="$(openssl rand -hex 16)" SECRET_KEY="$(key)" \
  SUPPRESSION_KEYS="$(key)" LEDGER_KEY="$(head -c 32 /dev/urandom | base64)" \
  BASE_URL=https://news.example.org ALLOWED_HOSTS=news.example.org \
  DEFAULT_FROM_EMAIL=news@example.org >env
compose() {
  docker-compose --project-name campaign --project-directory "$here" \
    --file compose.yaml --env-file env "$@"
}
end_all() {
  compose down --volumes >/dev/null 2>&1 || true
  kill "$health" "$service" || true
}
trap end_all EXIT
compose up --detach --no-build
m() { podman exec campaign_web_1 deploy/entry "$@"; }
is() { echo "$1: $2"; [ "$2" = "$3" ] || { echo "WRONG: should be $3"; exit 1; }; }
for _try in $(seq 60); do
  curl -sf -o /dev/null http://127.0.0.1:8000/readyz && break || sleep 3
done
is "ready" "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8000/readyz)" 200
is "user" "$(podman exec campaign_web_1 id -u)" 10001
is "root of files" "$(podman exec campaign_web_1 sh -c 'touch /srv/campaign/x 2>&1 | grep -c Read-only')" 1
printf 'external_id,email\nfirst,first@example.org\n' |
  podman exec -i campaign_web_1 sh -c 'cat >/tmp/people.csv'
m import_profiles /tmp/people.csv --rejects /tmp/rejects >/dev/null
link=$(m make_link ext:first --one-click)
is "one-click" "$(curl -s -o /dev/null -w '%{http_code}' -H Host:news.example.org \
  -H X-Forwarded-Proto:https -d List-Unsubscribe=One-Click \
  "http://127.0.0.1:8000${link#https://news.example.org}")" 200
sleep 60
is "sealed by the clock" "$(m verify_ledger >/dev/null && podman exec campaign_web_1 python -c '
import urllib.request as u
lines = u.urlopen("http://127.0.0.1:8000/metrics").read().decode().splitlines()
print([x.split()[-1] for x in lines if "kind=\"opt_out\",source=\"one_click\"" in x][0])')" 1.0
m backup >/dev/null && echo "backup made"
m doctor --no-network || true
