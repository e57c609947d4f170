# docker build -t reconciler .   and then, in a project:
# docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" -e WIX_API_KEY reconciler plan
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/reconciler \
 && /opt/reconciler/bin/pip install --no-cache-dir --disable-pip-version-check '.[object-store]' \
 && /opt/reconciler/bin/pip uninstall --yes --quiet pip

FROM python:3.12-slim
# git says which commit a run was made from, and whether approvals are committed.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/* \
 && git config --system --add safe.directory /work \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reconciler
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /work
ENTRYPOINT ["reconciler"]
CMD ["--help"]
