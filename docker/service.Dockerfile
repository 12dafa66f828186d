# Serves index versions and builds them, on the CPU; no torch.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bundle bundle
COPY training training
COPY index index
COPY evaluation evaluation
COPY service service
COPY client client
COPY cli cli
RUN python -m venv /opt/tandem \
 && /opt/tandem/bin/pip install --no-cache-dir --constraint constraints.txt ".[cpu,traces]" \
 && /opt/tandem/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home tandem \
 && mkdir /workspace && chown 10001:10001 /workspace
COPY --from=build /opt/tandem /opt/tandem
# Compiled at build time where it can be: the root filesystem is read-only when the image runs.
RUN python -m compileall -q /opt/tandem
ENV PATH=/opt/tandem/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 \
    TANDEM_WORKSPACE=/workspace TANDEM_SERVER__HOST=0.0.0.0
USER 10001
VOLUME /workspace
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tandem"]
CMD ["serve"]
