ln -sfn "$(dirname "$0")/data" data
exec python "$@"
