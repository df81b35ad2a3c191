#!/usr/bin/env bash
# Every check of `make lint`; all of them run, and what failed is said at the end.
set -uo pipefail
failed=()

step() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

# Values that a production site could have, so that only the settings themselves are judged.
production() {
    env BARISTA_ENV=production ALLOWED_HOSTS=barista.example.org CSRF_TRUSTED_ORIGINS=https://barista.example.org \
        SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
        DATABASE_URL=postgres://barista_app:x@127.0.0.1:1/barista REDIS_URL=rediss://:x@127.0.0.1:1/0 "$@"
}

step "ruff check" ruff check .
step "ruff format" ruff format --check .
step "mypy" env BARISTA_ENV=test SECRET_KEY=lint mypy .
step "templates" djlint templates --lint --quiet
for config in importlinter.ini .importlinter; do
    [ -f "$config" ] && step "import rules" lint-imports --config "$config"
done
step "migrations" production python -W ignore manage.py makemigrations --check --dry-run
step "production settings" production python manage.py check --deploy --fail-level WARNING

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint failed: %s\n' "${failed[*]/%/,}" >&2
    exit 1
fi
echo "lint is clean"
