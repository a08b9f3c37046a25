#!/bin/sh
# From raw files to a trained adapter, on the example dataset. Writes to demo/ (or the folder given).
set -eu
cd "$(dirname "$0")/.."
data=examples/support
out=${1:-demo}
mkdir -p "$out"
log=$out/log.txt
: > "$log"

# Prints a title, the command and what it prints, and keeps that in the log.
# Exit code 1 says that rows were rejected, and each is told; only 2 and above is a failure.
step() {
  printf '\n\033[1m%s\033[0m\n$ %s\n' "$1" "$2"
  { sh -c "$2" 2>&1 || echo $? > "$out/.failed"; } | tee -a "$log"
  if [ -e "$out/.failed" ]; then
    code=$(cat "$out/.failed")
    rm "$out/.failed"
    [ "$code" -le 1 ] || exit "$code"
  fi
}

sft="$data/support.chatml.jsonl $data/support.alpaca.json $data/support.sharegpt.jsonl"
step "1. What is wrong with the data?" \
  "dsforge lint $sft --ignore S102 --max-tokens 1024 --show 1 --fail-on never"
step "   The preference pairs, as a platform would take them" \
  "dsforge lint $data/pairs.jsonl --target zhipu --fail-on never"
step "2. Three formats become one; what cannot be read is kept aside with its reason" \
  "dsforge convert $sft --to chatml -o $out/support.jsonl"
step "3. Duplicates go, exact and near" \
  "dsforge dedup $out/support.jsonl -o $out/clean.jsonl --clusters $out/clusters.jsonl"
step "4. Train and validation files that share no near-duplicate" \
  "dsforge split $out/clean.jsonl -o $out/split"
step "5. What training would cost" \
  "dsforge cost $out/split/train.jsonl --target zhipu --target bailian-intl --gpu rtx-4090"
# two rows still have errors (a call that is not JSON, an API key), at which train stops unless it is told to only warn
step "6. Train: a LoRA adapter of a smoke model built on the spot" \
  "dsforge train model=tiny data.path=$out/split/train.jsonl data.validation=$out/split/validation.jsonl method=sft peft=lora run.folder=$out run.name=run run.overwrite=true run.max_steps=20 trl.max_length=1280 preflight=warn"

printf '\n\033[1mWhat was found and made\033[0m\n'
grep -E '^[0-9,]+ (error|warning)|rows in, |^(loss|adapter|manifest) |rejected rows with' "$log"

cat <<END

The same with your own file (first: . ${VENV:-.venv}/bin/activate):
  dsforge lint FILE                                  what is wrong with it, and how to mend it
  dsforge convert FILE --to chatml -o rows.jsonl     any format in, any format out
  dsforge dedup rows.jsonl -o clean.jsonl
  dsforge split clean.jsonl -o split
  dsforge cost split/train.jsonl
  dsforge train model.path=Qwen/Qwen2.5-0.5B-Instruct data.path=split/train.jsonl peft=lora run.name=mine
END
