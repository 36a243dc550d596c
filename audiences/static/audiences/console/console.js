// The console's own script: lists on a phone, and the search of the header with its
// shortcut. Without JavaScript everything is there too, in its plain form.
"use strict";

// On a phone what narrows a list stands before it: folded, where nothing is chosen.
if (matchMedia("(max-width: 1023px)").matches) {
  document.querySelectorAll("#changelist-filter details").forEach((each) => {
    each.open = [...each.querySelectorAll("li")].findIndex((li) => li.classList.contains("selected")) > 0;
  });
}

// There no column has a heading: each fact gets the name of its own.
document.querySelectorAll("#result_list").forEach((table) => {
  const names = [...table.querySelectorAll("thead th")].map((th) => th.textContent.trim());
  table.querySelectorAll("tbody tr").forEach((row) => {
    [...row.children].forEach((cell, at) => {
      if (cell.tagName !== "TD" || cell.classList.contains("action-checkbox")) return;
      if (cell.querySelector(".narrow-only")) return;
      cell.dataset.label = names[at] || "";
      if (["", "-"].includes(cell.textContent.trim()) && !cell.querySelector("img")) cell.dataset.empty = "";
    });
  });
});

const PAUSE = 220;
const form = document.querySelector("[data-find]");

if (form) {
  const field = form.querySelector("input");
  const found = form.querySelector(".found");
  let timer = 0;
  let asked = 0;
  let closing = false;

  const links = () => [...found.querySelectorAll("a")];
  const close = () => {
    found.hidden = true;
  };

  async function show() {
    const number = ++asked;
    const query = new URLSearchParams({ q: field.value.trim(), part: "1" });
    try {
      const answer = await fetch(`${form.action}?${query}`, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const text = await answer.text();
      if (number !== asked) return; // a later question has been asked
      found.innerHTML = text;
      found.hidden = false;
    } catch {
      // the network: the form can be sent
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE);
  });
  field.addEventListener("focus", () => {
    if (!closing) show();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const k = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (!slash && !k) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      clearTimeout(timer);
      asked += 1; // what is on its way opens nothing any more
      close();
      closing = true;
      field.focus();
      closing = false;
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || found.hidden) return;
    event.preventDefault();
    const all = [field, ...links()];
    const at = all.indexOf(document.activeElement);
    all[(at + step + all.length) % all.length].focus();
  });

  form.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !form.contains(event.relatedTarget)) close();
  });
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) close();
  });
}
