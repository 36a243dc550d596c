# Campaign in a container: no compiler, no tools beyond Debian's base and PostgreSQL's client, nobody's root.
# docker build --tag campaign .

FROM python:3.13-slim-bookworm AS packages
# Each with the hash that is written down, and nothing is compiled: all are wheels but
# http-ece, which is Python alone and has none.
COPY requirements-site.txt /tmp/requirements-site.txt
RUN python -m venv /srv/venv && \
    /srv/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      --only-binary :all: --no-binary http-ece --require-hashes -r /tmp/requirements-site.txt && \
    /srv/venv/bin/pip uninstall --yes --quiet pip

FROM python:3.13-slim-bookworm
ENV PATH=/srv/venv/bin:$PATH PYTHON=python PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DEBUG=0 BIND=0.0.0.0:8000 VAR_DIR=/srv/campaign/var STATIC_ROOT=/srv/campaign/staticfiles
# For `backup` and `restore_drill`: nothing else here asks the database by its own programs.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends postgresql-client && \
    rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin campaign
COPY --from=packages /srv/venv /srv/venv
WORKDIR /srv/campaign
COPY manage.py ./
COPY deploy/entry deploy/entry
COPY campaign campaign
COPY audiences audiences
COPY delivery delivery
COPY templates templates
COPY locale locale
# The files need no secret; what is given here is in no layer's environment.
RUN python -m compileall -q campaign audiences delivery && \
    DEBUG=1 VAR_DIR=/tmp/var python manage.py collectstatic --no-input --verbosity 0 \
      --settings campaign.collecting && \
    mkdir -p var && chown campaign:campaign var && rm -rf /tmp/var
USER 10001:10001
# The root of the file system can be read-only: only these two are written to.
VOLUME ["/srv/campaign/var", "/tmp"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["deploy/entry"]
CMD ["web"]
