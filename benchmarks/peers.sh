#!/bin/sh
# The peers whose own code judges what dsforge writes (tests/peers), in a virtual environment beside ours.
#
#     sh benchmarks/peers.sh [FOLDER]     (default .venv-peers; a minute, 350 MB)
#     DSFORGE_PEERS=FOLDER pytest tests/peers
#
# Their declared requirements would bring other versions of torch and transformers, gigabytes of them: what the
# converters import is named here one by one, and torch, transformers and datasets are those of .venv.
set -eu
ours=${OURS:-.venv}
peers=${1:-.venv-peers}
"$ours/bin/python" -m venv "$peers"
packages() { "$1/bin/python" -c 'import site; print(site.getsitepackages()[0])'; }
(cd "$(packages "$ours")" && pwd) > "$(packages "$peers")/ours.pth"

"$peers/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    llamafactory==0.9.5 ms-swift==4.6.0 mistral-common==1.13.1 together==1.6.0 qianfan==0.4.12.3 openai==2.54.0 \
    torchtune==0.6.1 axolotl==0.19.0 unsloth-zoo==2026.10.9 nemo-automodel==0.7.0 addict colorama \
    aiohappyeyeballs aiohttp aiolimiter aiosignal attrs bce-python-sdk cffi cryptography diskcache distro frozenlist \
    future httpcore httpx json_repair jsonschema jsonschema-specifications modelscope modelscope_hub multidict \
    prompt_toolkit propcache pycountry pycparser pycryptodome pydantic-extra-types referencing rpds-py tabulate \
    tenacity wcwidth yarl
# LLaMA-Factory imports it to read audio, which no test has; the real one wants a torch of its own.
printf '"""Stands in for torchaudio, which nothing here calls."""\n' > "$(packages "$peers")/torchaudio.py"
touch "$peers/.ready"
