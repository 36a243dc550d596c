// Renews the part of the page that says how far background work is, without moving the
// focus. Without JavaScript the page renews itself as a whole (see the templates).
"use strict";

const PAUSE = 2000;

async function renew() {
  let failed = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("work");
    if (!answer.ok || !fresh) {
      location.reload();
      return;
    }
    const shown = document.getElementById("work");
    if (fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
  } catch {
    failed = true; // the network: try again later
  }
  const goesOn = document.getElementById("work").dataset.goesOn === "yes";
  if (goesOn || failed) setTimeout(renew, PAUSE);
}

if (document.getElementById("work")?.dataset.goesOn === "yes") setTimeout(renew, PAUSE);
