# Serves and builds on an NVIDIA GPU; no torch. CUDA comes with the wheels, so the base is the plain one: a CUDA base would
# hold the same libraries a second time. The host brings the driver (NVIDIA Container Toolkit).
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
# The GPU wheels follow CUDA's own pins, which constraints.txt, made for the CPU, does not hold.
# hadolint ignore=DL3013
RUN python -m venv /opt/tandem \
 && /opt/tandem/bin/pip install --no-cache-dir ".[gpu,traces]" \
 && /opt/tandem/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home tandem \
 && mkdir /workspace && chown 10001:10001 /workspace
COPY --from=build /opt/tandem /opt/tandem
RUN python -m compileall -q /opt/tandem
ENV PATH=/opt/tandem/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    TANDEM_WORKSPACE=/workspace TANDEM_SERVER__HOST=0.0.0.0 TANDEM_SESSION__DEVICE=cuda TANDEM_INDEX_DEVICE=cuda
USER 10001
VOLUME /workspace
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tandem"]
CMD ["serve"]
