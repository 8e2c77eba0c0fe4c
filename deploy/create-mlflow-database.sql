-- MLflow and hpsearch each have a database, so that their tables stay separate.
CREATE DATABASE mlflow;
