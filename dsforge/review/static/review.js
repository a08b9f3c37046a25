// The keys of the page, and one way to the server: what is asked is sent until it is answered.
"use strict";

const stage = document.getElementById("stage");
const form = document.getElementById("form");
const help = document.getElementById("help");
const lost = document.getElementById("lost");
const told = document.getElementById("told");
let busy = false; // one request at a time: the next key waits for the row it is meant for
let picks = [];

const here = () => stage.firstElementChild;
const row = () => Number(here().dataset.row);
const query = () => stage.dataset.query;
const address = (path, values) => `${path}?${new URLSearchParams(values)}&${query()}`;
const messages = () => [...stage.querySelectorAll("main .message[data-message]")];
const current = () => document.activeElement.closest?.(".message[data-message]") || null;

// -- the way to the server --------------------------------------------------------------------------

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const wait = (seconds) => new Promise((resume) => setTimeout(resume, 1000 * seconds));

// Sent again until the server answers: the id tells it what it has seen already, so nothing is done twice.
async function ask(path, options, what) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(20000), ...options });
      lost.hidden = true;
      return answer;
    } catch (error) {
      const seconds = Math.min(5, tries);
      lost.textContent = `No connection to dsforge. ${what} Trying again every few seconds; start dsforge review again if it has ended.`;
      lost.hidden = false;
      await wait(seconds);
    }
  }
}

function say(text) {
  document.getElementById("said").textContent = text;
}

function complain(text) {
  const inForm = form.open && form.querySelector(".problem");
  const place = inForm || told;
  place.textContent = text;
  place.hidden = false;
}

async function show(answer, focus) {
  const text = await answer.text();
  if (!answer.ok) {
    complain(text);
    return false;
  }
  told.hidden = true;
  const before = row();
  stage.innerHTML = text; // made by the server, which escapes every text of a row
  picks = [];
  if (row() !== before) {
    scrollTo(0, 0);
    document.getElementById("row").focus({ preventScroll: true });
    history.replaceState(null, "", row() ? `/row/${row()}${query() ? `?${query()}` : ""}` : `/?${query()}`);
  } else if (focus !== undefined) {
    messages().find((each) => each.dataset.message === String(focus))?.focus({ preventScroll: true });
  }
  say(`${here().dataset.said} ${row() ? `Row ${row()}.` : "Nothing is left."}`);
  refreshProgress();
  return true;
}

async function alone(work) {
  if (busy) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

function act(action, focus) {
  return alone(async () => {
    const body = JSON.stringify({ id: newId(), row: row(), action });
    const options = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    const answer = await ask(address("/do", {}), options, `Your last decision on row ${row()} is not saved yet.`);
    if ((await show(answer, focus)) && form.open) form.close();
  });
}

function go(where) {
  return alone(async () => show(await ask(address("/stage", { go: where, row: row() }), {}, "The next row cannot be fetched.")));
}

async function refreshProgress() {
  const answer = await fetch(address("/progress", {}), { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  document.getElementById("progress").innerHTML = await answer.text();
}

async function watchProgress() {
  while (document.querySelector("#progress .lint")?.dataset.complete === "no") {
    await wait(2);
    await refreshProgress();
  }
}

// -- forms ------------------------------------------------------------------------------------------

async function openForm(kind, message = 0) {
  await alone(async () => {
    const answer = await ask(address(`/form/${kind}`, { row: row(), message }), {}, "The form cannot be fetched.");
    const text = await answer.text();
    if (!answer.ok) return complain(text);
    form.innerHTML = text;
    form.showModal();
    const first = form.querySelector("[autofocus], input, textarea");
    first?.focus();
    if (first?.tagName === "TEXTAREA") first.setSelectionRange(0, 0);
  });
}

const ACTIONS = {
  reject: (of) => ({ type: "reject", reason: of.reason.value.trim() }),
  edit: (of, message) => ({ type: "edit", message, text: of.text.value }),
  reasoning: (of, message) => ({ type: "edit", message, text: of.text.value, reasoning: true }),
  insert: (of, message) => ({ type: "insert", after: message, role: of.role.value, text: of.text.value }),
  split: (of, message) => ({ type: "split", message, at: characters(of.text), role: of.role.value }),
  category: (of) => ({ type: "categorise", category: of.category.value.trim() }),
  comment: (of) => ({ type: "comment", text: of.text.value.trim() }),
  raw: (of) => ({ type: "rewrite", raw: of.raw.value }),
  score: (of) => ({ type: "score", scores: Object.fromEntries([...new FormData(of[0].form)].map(([name, mark]) => [name, Number(mark)])) }),
};

// The server counts characters, the browser half characters: an emoji is one there and two here.
const characters = (field) => [...field.value.slice(0, field.selectionStart)].length;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { kind, message } = event.target.dataset;
  act(ACTIONS[kind](event.target.elements, Number(message)), message);
});

// A cursor can be moved by keys only where something could be typed.
form.addEventListener("beforeinput", (event) => {
  if ("fixed" in event.target.dataset) event.preventDefault();
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.reason) act({ type: "reject", reason: button.dataset.reason });
  if (button && "close" in button.dataset) form.close();
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.querySelector("form").requestSubmit();
    return;
  }
  if (!/^[1-9]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  const reason = form.querySelectorAll("[data-reason]")[event.key - 1];
  if (reason && !form.querySelector("input").value) {
    event.preventDefault();
    reason.click();
    return;
  }
  const marks = [...form.querySelectorAll("fieldset")];
  const at = Math.max(0, marks.findIndex((each) => each.contains(document.activeElement)));
  const mark = marks[at]?.querySelector(`[value="${event.key}"]`);
  if (!mark) return;
  event.preventDefault();
  mark.checked = true;
  (marks[at + 1]?.querySelector("input") || form.querySelector("[type=submit]")).focus();
});

// -- what keys and buttons do -----------------------------------------------------------------------

function move(step) {
  const all = messages();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

// The message at hand, else the last of the assistant, which is what is looked at most.
function chosen() {
  return current() || messages().filter((each) => each.classList.contains("assistant")).at(-1) || messages().at(-1);
}

function onMessage(work) {
  const message = chosen();
  if (message) work(Number(message.dataset.message), message);
}

function pick(key) {
  const answers = [...stage.querySelectorAll(".answer")];
  const answer = answers.find((each) => each.dataset.key === String(key));
  if (!answer || picks.includes(answer.dataset.source)) return;
  picks.push(answer.dataset.source);
  const left = answers.filter((each) => !picks.includes(each.dataset.source));
  if (answers.length === 2) {
    act({ type: "prefer", choice: answer.dataset.source === "0" ? "chosen" : "rejected" });
  } else if (left.length === 1) {
    act({ type: "rank", order: [...picks, left[0].dataset.source].map(Number) });
  } else {
    answer.classList.add("picked");
    answer.querySelector(".rank").textContent = ` is number ${picks.length}`;
    say(`Answer ${key} is number ${picks.length}.`);
  }
}

function side(number) {
  if (here().dataset.final === "yes") {
    stage.querySelector(`[data-adopt-key="${number}"]`)?.click();
    return;
  }
  const answers = stage.querySelectorAll(".answer");
  if (answers.length === 2) pick(answers[number - 1]?.dataset.key); // the one that stands there, sides swapped or not
  else pick(number);
}

function swap() {
  const group = stage.querySelector(".answers");
  if (!group) return;
  [...group.children].reverse().forEach((each) => group.append(each));
  if (group.children.length === 2) {
    group.querySelectorAll(".pick kbd").forEach((each, at) => { each.textContent = at + 1; });
  }
  say("The sides are swapped.");
}

function otherForm() {
  onMessage((_, message) => {
    const both = message.querySelectorAll(".as-difference, .as-first, .as-written");
    if (both.length > 1) both.forEach((each) => { each.hidden = !each.hidden; });
  });
}

function toggleFilters() {
  const filters = document.getElementById("filters");
  filters.hidden = !filters.hidden;
  document.querySelector("[data-key=filters]").setAttribute("aria-expanded", String(!filters.hidden));
  if (!filters.hidden) filters.querySelector("input").focus();
}

function firstFix() {
  const fix = stage.querySelector("[data-fix]");
  if (fix) act({ type: "fix", code: fix.dataset.fix });
  else complain("Lint offers no fix here.");
}

const DO = {
  accept: () => act({ type: "accept" }),
  reject: () => openForm("reject"),
  next: () => go("next"),
  back: () => go("back"),
  undo: () => act({ type: "undo" }),
  redo: () => act({ type: "redo" }),
  category: () => openForm("category"),
  score: () => openForm("score"),
  note: () => openForm("comment"),
  raw: () => openForm("raw"),
  edit: () => onMessage((number) => openForm("edit", number)),
  reasoning: () => onMessage((number) => openForm("reasoning", number)),
  insert: () => onMessage((number) => openForm("insert", number)),
  split: () => onMessage((number) => openForm("split", number)),
  delete: () => onMessage((number) => act({ type: "delete", message: number }, Math.max(0, number - 1))),
  fix: firstFix,
  fixes: () => act({ type: "fix", code: "" }),
  tie: () => act({ type: "prefer", choice: "tie" }),
  bad: () => act({ type: "prefer", choice: "both bad" }),
  swap,
  form: otherForm,
  down: () => move(1),
  up: () => move(-1),
  filters: toggleFilters,
  help: () => help.showModal(),
};
const KEYS = {
  a: "accept", r: "reject", j: "next", ArrowRight: "next", k: "back", ArrowLeft: "back", u: "undo", U: "redo",
  c: "category", g: "score", n: "note", w: "raw", e: "edit", E: "reasoning", i: "insert", s: "split", d: "delete",
  f: "fix", F: "fixes", t: "tie", b: "bad", x: "swap", m: "form", ArrowDown: "down", ArrowUp: "up", "/": "filters",
  "?": "help",
};
const NEEDS_ROW = new Set(["accept", "reject", "category", "score", "note", "raw", "fix", "fixes", "tie", "bad"]);

function perform(name) {
  if (NEEDS_ROW.has(name) && !row()) return;
  if (name === "accept" && Number(here().dataset.answers) === 2 && here().dataset.final !== "yes") {
    complain("Say which answer is better: 1 or 2, t for a tie, b for both bad.");
    return;
  }
  if (/^[1-9]$/.test(name)) side(Number(name));
  else DO[name]();
}

// The letter of a key on a keyboard of another script (Arabic, Russian): by where it lies.
function latin(event) {
  const letter = event.code.match(/^Key([A-Z])$/)?.[1];
  if (!letter || /^[\x20-\x7e]$/.test(event.key)) return event.key;
  return event.shiftKey ? letter : letter.toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("dialog")) return;
  if (event.target.matches("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.altKey || event.metaKey || event.isComposing || event.repeat && !event.key.startsWith("Arrow")) return;
  const isLink = event.target.matches("a, summary, button") && (event.key === "Enter" || event.key === " ");
  if (isLink) return;
  if (event.ctrlKey) {
    const name = { z: "undo", Z: "redo", y: "redo" }[event.key];
    if (name) { event.preventDefault(); DO[name](); }
    return;
  }
  const key = latin(event);
  if (/^[1-9]$/.test(key)) {
    event.preventDefault();
    side(Number(key));
  } else if (KEYS[key]) {
    event.preventDefault();
    perform(KEYS[key]);
  } else if (event.key === "Escape") {
    picks = [];
    stage.querySelectorAll(".picked").forEach((each) => { each.classList.remove("picked"); each.querySelector(".rank").textContent = ""; });
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.closest("dialog")) return;
  const { key, fix, pick: picked, adopt, upto, showMessage } = button.dataset;
  if (key) perform(key);
  if (fix) act({ type: "fix", code: fix });
  if (picked) pick(picked);
  if (adopt) act({ type: "adopt", annotator: adopt, upto: Number(upto) });
  if (showMessage !== undefined) point(button.dataset.show, showMessage);
});

// Shows the place that a finding means.
function point(finding, number) {
  const message = messages().find((each) => each.dataset.message === number);
  if (!message) return;
  message.querySelectorAll("details").forEach((each) => { each.open = true; });
  const mark = message.querySelector(`mark[data-finding="${finding}"]`);
  stage.querySelectorAll("mark.here").forEach((each) => each.classList.remove("here"));
  mark?.classList.add("here");
  message.focus({ preventScroll: true });
  (mark || message).scrollIntoView({ block: "center" });
}

window.addEventListener("beforeunload", (event) => {
  if (busy && !lost.hidden) event.preventDefault(); // a decision is still to be saved
});

watchProgress();
