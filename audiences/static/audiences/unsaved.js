// Leaving a form in which something was written and not saved asks first. Without this
// script nothing breaks. A form with data-unguarded is left without a question; a form
// that came back with errors holds what nobody has saved.
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
  window.addEventListener("beforeunload", (event) => {
    const left = [...written].some((form) => form !== sent && form.isConnected);
    sent = null;
    if (left) event.preventDefault();
  });
})();
