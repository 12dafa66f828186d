# Trains on the CPU; for a GPU, install the `train-gpu` extra on a CUDA base instead.
FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bundle bundle
COPY training training
COPY index index
COPY service service
COPY cli cli
RUN pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu \
 && pip install --no-cache-dir --constraint constraints.txt ".[cpu,train]" \
 && useradd --uid 10001 --no-create-home tandem \
 && mkdir /workspace && chown 10001:10001 /workspace
USER 10001
ENV TANDEM_WORKSPACE=/workspace
VOLUME /workspace
ENTRYPOINT ["tandem"]
CMD ["train", "/data/train.toml"]
