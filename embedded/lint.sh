#!/usr/bin/env bash
# Every check of `make lint`; all of them run, and what failed is said at the end. Import rules, migrations and production
# settings are tests of the suite (baristaweb/tests/test_house.py): each check runs once.
set -uo pipefail
failed=()

step() {
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

step "ruff check" ruff check .
step "ruff format" ruff format --check .
step "mypy" env BARISTA_ENV=test SECRET_KEY=lint mypy .
step "templates" djlint templates --lint --quiet
step "image" hadolint Dockerfile

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint failed: %s\n' "${failed[*]/%/,}" >&2
    exit 1
fi
echo "lint is clean"
