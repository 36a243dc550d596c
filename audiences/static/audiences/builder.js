/* Rows are added, moved and removed without loading the page; the count follows.
   Without it the same buttons post the form, and the page comes back with its rows. */
(function () {
  "use strict";
  const builder = document.querySelector("[data-builder]");
  const form = builder && builder.closest("form");
  if (!form) return;
  const NAME = "_row";
  let timer = 0;
  let latest = 0;
  let waiting = 0;
  let turn = Promise.resolve();

  const groupOf = (action) => (action.split(":")[1] || "").replace(/\.\d+$/, "");
  const named = (name) => document.getElementsByName(name)[0];

  async function send(action, kind) {
    const data = new FormData(form);
    data.set(NAME, action);
    if (kind) data.set(`${groupOf(action)}.add`, kind);
    const answer = await fetch(form.getAttribute("action") || window.location.href, {
      method: "POST", body: data, headers: { "X-Requested-With": "builder" },
    });
    if (!answer.ok || answer.redirected) throw new Error("no answer");
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function replace(page, selector) {
    const [here, there] = [document, page].map((d) => d.querySelector(selector));
    if (here && there) here.replaceChildren(...there.childNodes);
  }

  /* One after the other: the answer to one brings the rows that the next begins with.
     Nobody writes meanwhile into rows that are about to be replaced. */
  function press(action) {
    const choice = named(`${groupOf(action)}.add`);
    const kind = choice && choice.value;
    waiting += 1;
    builder.inert = true;
    turn = turn.then(() => change(action, kind)).finally(() => {
      waiting -= 1;
      if (waiting) return;
      builder.inert = false;
      const next = builder.querySelector("[data-next]");
      if (next) next.focus();
    });
  }

  async function change(action, kind) {
    latest += 1;
    let page;
    try {
      page = await send(action, kind);
    } catch (error) {
      // As without a script: the browser posts the form and shows the answer.
      form.dataset.plain = "yes";
      const buttons = [...builder.querySelectorAll(`button[name=${NAME}]`)];
      form.requestSubmit(buttons.find((button) => button.value === action));
      return;
    }
    replace(page, "[data-builder]");
    replace(page, "[data-matching]");
    const next = document.querySelector("[data-builder] [data-focus]")
      || named(`${groupOf(action)}.add`) || document.querySelector("[data-builder] select");
    if (next) next.dataset.next = "";
  }

  async function count() {
    if (!document.querySelector("[data-matching]")) return;
    latest += 1;
    const mine = latest;
    try {
      const page = await send("count");
      if (mine === latest) replace(page, "[data-matching]");
    } catch (error) {
      /* The count stays as it was; saving tells what is wrong. */
    }
  }

  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    const ours = button && button.name === NAME && button.closest("[data-builder]");
    if (!ours || form.dataset.plain) return;
    event.preventDefault();
    press(button.value);
  });
  form.addEventListener("input", (event) => {
    if (!event.target.closest("[data-builder]")) return;
    if (event.target.name.endsWith(".add")) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(count, 500);
  });

  /* What the chosen comparison needs: a date, a number, a second value, or nothing. */
  function showValues() {
    for (const field of form.querySelectorAll("[data-by-operator]")) {
      const kinds = JSON.parse(field.dataset.byOperator);
      const operator = field.parentElement.querySelector("select[name$='.key.operator']");
      const kind = kinds[operator ? operator.value : ""] || kinds["*"];
      field.hidden = kind === "hidden";
      const input = field.querySelector("input:not([type=hidden]):not([type=checkbox])");
      if (input && kind !== "hidden" && input.type !== kind) input.type = kind;
    }
  }
  form.addEventListener("change", (event) => {
    if (event.target.name && event.target.name.endsWith(".key.operator")) showValues();
  });
  new MutationObserver(showValues).observe(builder, { childList: true });
  showValues();

  /* Only what the chosen kind has is asked for. */
  const kind = form.querySelector("select[name=kind]");
  const OF_KINDS = {
    service: ["subscribers"], condition: ["condition", "filtering"],
    maximum: ["fatigue"], period_days: ["fatigue"], channel: ["fatigue"],
    uses_profile_limit: ["fatigue"], check_code: ["control"], severity: ["control"],
  };
  function showKind() {
    for (const [name, kinds] of Object.entries(OF_KINDS)) {
      const row = form.querySelector(`.form-row.field-${name}`);
      if (row) row.hidden = !kinds.includes(kind.value);
    }
    const matching = form.querySelector("[data-matching]");
    const about = OF_KINDS.condition.includes(kind.value);
    if (matching) matching.closest("fieldset").hidden = !about;
  }
  if (kind) {
    kind.addEventListener("change", showKind);
    showKind();
  }
})();
