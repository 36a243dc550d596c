// Leaving a form in which something was written and not saved asks first. Without this
// script nothing breaks. A form with data-unguarded is left without a question; a form
// that came back with errors holds what nobody has saved. Going to another step of a
// delivery saves what was written on this one; with errors it stays.
"use strict";
(() => {
  const written = new Set();
  let sent = null;
  const forms = [...document.querySelectorAll('#content form[method="post"]')].filter(
    (form) => !form.hasAttribute("data-unguarded") &&
      form.querySelector("textarea, select, input:not([type=hidden]):not([type=submit])"),
  );
  for (const form of forms) {
    const note = (event) => { if (event.target.name) written.add(form); };
    form.addEventListener("input", note);
    form.addEventListener("change", note);
    // Whatever else listens may still refuse it.
    form.addEventListener("submit", (event) => {
      queueMicrotask(() => { if (!event.defaultPrevented) sent = form; });
    });
    if (form.querySelector(".error-summary")) written.add(form);
  }
  const steps = document.querySelector("[data-form]");
  steps?.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-step]");
    const form = document.getElementById(steps.dataset.form);
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || elsewhere || !written.has(form)) return;
    event.preventDefault();
    const step = document.createElement("input");
    Object.assign(step, { type: "hidden", name: "_step", value: link.dataset.step });
    form.append(step);
    // The page names all problems at once, in the console's words.
    form.noValidate = true;
    form.requestSubmit();
  });
  window.addEventListener("beforeunload", (event) => {
    const left = [...written].some((form) => form !== sent && form.isConnected);
    sent = null;
    if (left) event.preventDefault();
  });
})();
