# Trains on the CPU; for a GPU, install the `train-gpu` extra in place of `cpu,train` and leave TORCH_INDEX out.
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
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
 && /opt/tandem/bin/pip install --no-cache-dir torch==2.13.0 ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
 && /opt/tandem/bin/pip install --no-cache-dir --constraint constraints.txt ".[cpu,train,text]"

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home tandem \
 && mkdir /workspace && chown 10001:10001 /workspace
COPY --from=build /opt/tandem /opt/tandem
ENV PATH=/opt/tandem/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    TANDEM_WORKSPACE=/workspace MPLCONFIGDIR=/tmp
USER 10001
VOLUME /workspace
ENTRYPOINT ["tandem"]
CMD ["train", "/data/train.toml"]
