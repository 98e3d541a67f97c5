# syntax=docker/dockerfile:1
# One image for web, worker, beat and maintenance; docker-compose.yml says which command is which.

ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
# The processor that the loops over pixels are compiled for. x86-64-v3 is every server since 2013 to
# 2017 (AVX2); `generic` runs everywhere, ARM included, and counts float maps more slowly.
ARG NUMBA_CPU_NAME=x86-64-v3
ENV PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PATH=/opt/venv/bin:$PATH
WORKDIR /srv/board
# Locked, with hashes, as wheels only: nothing is compiled or resolved here, and nothing is torch.
COPY requirements/site.txt requirements/site.txt
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install \
        --require-hashes --only-binary :all: --requirement requirements/site.txt
COPY manage.py ./
COPY scoring scoring
COPY leaderboard leaderboard
COPY templates templates
COPY static static
COPY docs docs
COPY deploy deploy
# What runs once here does not run at each start: bytecode, compressed static files, compiled loops.
# The key that Django asks for belongs to this step alone and signs nothing.
RUN python -m compileall -q -j 0 /opt/venv/lib leaderboard scoring manage.py \
    && AUTOVI_VAR=/tmp/var AUTOVI_STATIC_ROOT=/srv/static SECRET_KEY=collectstatic \
        python manage.py collectstatic --no-input --verbosity 0 \
    && NUMBA_CACHE_DIR=/srv/numba NUMBA_CPU_NAME="$NUMBA_CPU_NAME" NUMBA_CPU_FEATURES='' \
        python -m scoring.warm \
    && rm -rf /tmp/var

FROM python:${PYTHON} AS site
ARG NUMBA_CPU_NAME=x86-64-v3
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    AUTOVI_VAR=/var/lib/board \
    AUTOVI_STATIC_ROOT=/srv/static \
    NUMBA_WARM=/srv/numba \
    NUMBA_CACHE_DIR=/tmp/numba \
    NUMBA_CPU_NAME=${NUMBA_CPU_NAME} \
    NUMBA_CPU_FEATURES=
# All files are root's and read-only to who runs; /var/lib/board is the one folder that is the user's.
RUN groupadd --system --gid 10001 board \
    && useradd --system --uid 10001 --gid board --home-dir /tmp --no-create-home board \
    && install -d -o board -g board -m 0750 /var/lib/board
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv /srv
WORKDIR /srv/board
USER 10001:10001
VOLUME /var/lib/board
EXPOSE 8000
ENV PORT=8000
ENTRYPOINT ["/bin/sh", "/srv/board/deploy/start"]
CMD ["gunicorn", "leaderboard.wsgi", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "/srv/board/deploy/healthcheck.py", "web"]
