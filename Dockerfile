# One image for every role: the web, the workers and the reaper differ only in their command.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BIOFORS_DATA_DIR=/data

RUN useradd --create-home --uid 10001 biofors \
    && install -d -o biofors -g biofors /data
WORKDIR /app

COPY requirements.txt requirements-mlflow.txt ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
# docker compose build --build-arg WITH_MLFLOW=1: the client that mirrors runs to an MLflow server.
ARG WITH_MLFLOW=
RUN if [ -n "$WITH_MLFLOW" ]; then \
        python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements-mlflow.txt; fi

COPY manage.py ./
COPY biofors_site biofors_site
COPY training_jobs training_jobs
COPY classifier classifier
COPY datasets datasets
COPY templates templates
COPY static static

USER biofors
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "--config", "python:biofors_site.gunicorn_config", "--bind", "0.0.0.0:8000"]
