# One image for all four processes; the command chooses which (see docker-compose.yml).
# Pinned by its digest, since a tag can move; build on another with --build-arg PYTHON_IMAGE=NAME:TAG@sha256:DIGEST.
ARG PYTHON_IMAGE=python:3.11.16-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7
FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY requirements.txt constraints.txt ./
RUN python -m venv /opt/barista \
    && /opt/barista/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -r requirements.txt

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/barista/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DJANGO_SETTINGS_MODULE=baristaweb.settings
RUN useradd --system --uid 10001 --user-group --home-dir /srv/barista --shell /usr/sbin/nologin barista
COPY --from=packages /opt/barista /opt/barista
WORKDIR /srv/barista
COPY manage.py ./
COPY baristaweb baristaweb
COPY deployments deployments
COPY observability observability
COPY templates templates
COPY static static
# Only this step sees the value; a running site without a key of its own refuses to start.
RUN BARISTA_ENV=production SECRET_KEY=only-to-collect-files python manage.py collectstatic --noinput
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "baristaweb.wsgi", "--config", "python:baristaweb.serving", "--bind", "0.0.0.0:8000", "--no-control-socket"]
