/* Shows the message again while it is written. Without it the button does. */
(function () {
  "use strict";
  const button = document.querySelector(".message-preview button");
  if (!button || !button.form) return;
  let timer = 0;

  function show() {
    button.form.requestSubmit(button);
  }

  button.form.addEventListener("input", (event) => {
    const names = ["subject", "content", "channel", "preview_profile"];
    if (!names.includes(event.target.name)) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(show, 600);
  });
  show();
})();
