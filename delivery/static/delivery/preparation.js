/* Shows how far a preparation, or a sending, is. Without it the page loads itself again now and then. */
(function () {
  "use strict";
  const panel = document.querySelector("[data-progress]");
  if (!panel) return;
  const bar = panel.querySelector("progress");
  const text = panel.querySelector("[data-progress-text]");
  let failures = 0;

  function show(answer) {
    if (answer.moment !== panel.dataset.moment) {
      window.location.reload();
      return;
    }
    failures = 0;
    if (answer.expected && bar) {
      bar.max = answer.expected;
      bar.value = answer.done;
    }
    for (const [name, number] of Object.entries(answer.counts || {})) {
      const cell = panel.querySelector(`[data-count="${name}"]`);
      if (cell) cell.textContent = number;
    }
    for (const [name, share] of Object.entries(answer.shares || {})) {
      const cell = panel.querySelector(`[data-share="${name}"]`);
      if (cell) cell.textContent = share;
    }
    if (text && text.textContent !== answer.text) text.textContent = answer.text;
    window.setTimeout(ask, 1000);
  }

  function ask() {
    fetch(panel.dataset.progress, { headers: { Accept: "application/json" } })
      .then((answer) => {
        if (!answer.ok || answer.redirected) throw new Error("no answer");
        return answer.json();
      })
      .then(show)
      .catch(() => {
        failures += 1;
        window.setTimeout(ask, Math.min(1000 * 2 ** failures, 30000));
      });
  }

  window.setTimeout(ask, 700);
})();
