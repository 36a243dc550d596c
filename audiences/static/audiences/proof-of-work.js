// Proof of work on the forms of visitors without a personal link.
//
// <form> … <div data-proof='{challenge}' data-worker="proof-of-work-worker.js"
//   data-checking="One moment …" data-done="Done" data-failed="Please try again.">
//   <input type="hidden" name="proof"><p role="status"></p></div> … </form>
//
// The work begins when somebody uses the form, and submitting waits for it.
for (const box of document.querySelectorAll("[data-proof]")) {
  const form = box.closest("form");
  const field = box.querySelector("input");
  const status = box.querySelector("[role=status]");
  let work = null;
  // Without this script the form cannot be sent: its button waits for it.
  form.querySelector("button[hidden]").hidden = false;
  // A browser may bring back what was in the form: a proof counts once.
  field.value = "";

  const solve = () => new Promise((resolve, reject) => {
    const worker = new Worker(box.dataset.worker);
    worker.onmessage = ({ data }) => (data ? resolve(data) : reject());
    worker.onerror = reject;
    worker.postMessage(JSON.parse(box.dataset.proof).parameters);
  });

  const begin = () => {
    work ??= solve().then((solution) => {
      const challenge = JSON.parse(box.dataset.proof);
      field.value = btoa(JSON.stringify({ challenge, solution }));
      status.textContent = box.dataset.done;
    });
    return work;
  };

  form.addEventListener("focusin", () => begin().catch(() => {}), { once: true });
  form.addEventListener("submit", async (event) => {
    if (field.value) return;
    event.preventDefault();
    const button = event.submitter;
    status.textContent = box.dataset.checking;
    try {
      await begin();
      form.requestSubmit(button);
    } catch {
      work = null;
      status.textContent = box.dataset.failed;
    }
  });
}
