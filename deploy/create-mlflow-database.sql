-- MLflow and hpsearch both have tables of their own, so each has its own database.
CREATE DATABASE mlflow;
