# Serves index versions and builds them; no torch. EXTRA=gpu makes the CUDA image (run it with --gpus all).
FROM python:3.11-slim
ARG EXTRA=cpu
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bundle bundle
COPY training training
COPY index index
COPY service service
COPY cli cli
# The GPU wheels follow CUDA's own pins, which constraints.txt (made for the CPU) does not hold.
RUN if [ "$EXTRA" = gpu ]; then pip install --no-cache-dir ".[gpu]"; \
    else pip install --no-cache-dir --constraint constraints.txt ".[$EXTRA]"; fi \
 && useradd --uid 10001 --no-create-home tandem \
 && mkdir /workspace && chown 10001:10001 /workspace
USER 10001
EXPOSE 8080
ENV TANDEM_WORKSPACE=/workspace TANDEM_SERVER__HOST=0.0.0.0
VOLUME /workspace
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tandem"]
CMD ["serve"]
