"use strict";
(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const code = document.getElementById("by-code");
  const severity = document.getElementById("by-severity");
  const text = document.getElementById("by-text");
  const shown = document.getElementById("shown");
  const whole = shown.textContent;
  const sections = Array.from(document.querySelectorAll("section.rule"), (section) => ({
    section,
    items: Array.from(section.querySelectorAll("li.finding"), (item) => ({
      item,
      code: item.dataset.code,
      severity: item.dataset.severity,
      text: item.textContent.toLowerCase(),
    })),
  }));
  const apply = () => {
    const words = text.value.trim().toLowerCase();
    const all = !code.value && !severity.value && !words;
    let count = 0;
    for (const { section, items } of sections) {
      let here = 0;
      for (const each of items) {
        const fits =
          (!code.value || each.code === code.value) &&
          (!severity.value || each.severity === severity.value) &&
          (!words || each.text.includes(words));
        each.item.hidden = !fits;
        here += fits;
      }
      section.hidden = !all && here === 0;
      count += here;
    }
    shown.textContent = all ? whole : count.toLocaleString("en") + " of " + whole;
  };
  code.addEventListener("change", apply);
  severity.addEventListener("change", apply);
  text.addEventListener("input", apply);
  filters.hidden = false;
  apply();
})();
