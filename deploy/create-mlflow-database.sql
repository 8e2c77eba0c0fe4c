-- MLflow and hpsearch both keep tables of their own, so they have a database each.
CREATE DATABASE mlflow;
