#!/bin/sh
# The tools that dsforge review exchanges rows with (tests/peers/test_review_tools.py), in an environment of their own.
#
#     sh benchmarks/review_peers.sh [FOLDER]      (default .venv-review-peers; a minute, 700 MB)
#     DSFORGE_REVIEW_PEERS=FOLDER pytest tests/peers/test_review_tools.py
set -eu
peers=${1:-.venv-review-peers}
python3 -m venv "$peers"
"$peers/bin/python" -m pip install --quiet --disable-pip-version-check label-studio-sdk==2.1.2 argilla==2.8.0
touch "$peers/.ready"
