/* The editor of a message: what is written is shown at once, and buttons put fields and links where the
   caret is. Without it the button shows the message, and what a text may say stands above it. */
(function () {
  "use strict";
  const form = document.getElementById("content-form");
  const show = form && form.querySelector("[data-preview]");
  if (!show) return;
  const TEXTS = ["subject", "preheader", "content"];
  let last = form.querySelector("[name=content]");
  let timer = 0;

  function later() {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => form.requestSubmit(show), 500);
  }

  form.addEventListener("input", later);
  form.addEventListener("focusin", (event) => {
    if (TEXTS.includes(event.target.name)) last = event.target;
  });

  function wordsOf(button) {
    const isText = last.name === "content";
    if (!isText || "isPlain" in button.dataset) return button.dataset.plain;
    const isHtml = /<(?:!doctype\b|[a-z][a-z0-9]{0,15}[\s/>])/i.test(last.value);
    return isHtml ? button.dataset.html : button.dataset.markdown;
  }

  const buttons = form.querySelector("[data-inserts]");
  if (buttons && last && !last.disabled) {
    buttons.hidden = false;
    buttons.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      last.setRangeText(wordsOf(button), last.selectionStart, last.selectionEnd, "end");
      last.focus();
      later();
    });
  }
  form.requestSubmit(show);
})();
